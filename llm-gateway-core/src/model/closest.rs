//! Suggestions for misspelled names, used in hints.

/// Returns the candidate that is most similar to `word`, if one is similar enough to have been
/// meant. Its case does not count.
pub fn closest_name<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // Below this Jaro-Winkler similarity a suggestion confuses more than it helps.
    const CLOSE_ENOUGH: f64 = 0.8;
    // The measure is quadratic; no name is longer than this.
    if word.len() > 256 {
        return None;
    }
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&word, &candidate.to_lowercase()), candidate))
        .filter(|(similarity, _)| *similarity > CLOSE_ENOUGH)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// Returns a hint for the author of `word`: the candidate that was probably meant, or the text of
/// `otherwise` if none is similar enough.
pub(crate) fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    otherwise: impl FnOnce() -> String,
) -> String {
    match closest_name(word, candidates) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => otherwise(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_close_word_is_suggested() {
        assert_eq!(closest_name("opnai", ["openai", "gemini"]), Some("openai"));
        for (word, meant) in [
            ("Ask", "ask"),
            ("ASK", "ask"),
            ("TASK_CLASS", "task_class"),
            ("Task_Clas", "task_class"),
            ("openai_api_key", "OPENAI_API_KEY"),
            ("ÄRGER", "ärger"),
            ("A", "a"),
        ] {
            assert_eq!(closest_name(word, ["other", meant]), Some(meant), "{word}");
        }
        assert_eq!(closest_name("zzz", ["openai", "gemini"]), None);
        assert_eq!(closest_name(&"openai".repeat(1_000), ["openai"]), None);
    }
}
