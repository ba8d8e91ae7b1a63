use super::*;

#[test]
fn one_text_is_seen_however_its_letters_are_written() {
    for written in [
        "First line",
        "First\\nline",
        "Fi\u{ad}rst li\u{200b}ne",
        "F\u{200d}i\u{2060}r\u{feff}st\u{e0041} line\u{fe0f}",
        "\u{202a}First\u{202c} line",
        "Fir\u{0}st li\u{8}ne",
        "Ｆｉｒｓｔ line",
        "𝐅𝐢𝐫𝐬𝐭 𝕝𝕚𝕟𝕖",
        "𝓕𝓲𝓻𝓼𝓽\u{a0}𝚕𝚒𝚗𝚎",
        "Ⓕⓘⓡⓢⓣ\u{2003}line",
        "F\u{332}i\u{332}r\u{332}s\u{332}t\u{332} line",
        "Fi\u{34f}rst l\u{301}ine",
        "Fi&shy;rst li&#8203;ne",
        "Fi&#xAD;rst li&#x0000200B;ne",
        "Fi&shyrst&nbsp;line",
        "F&#00000000000000000105;rst l&#x000000000000000000069;ne",
        "F\\u{00000000000000000069}rst line",
        "Fi&ZeroWidthSpace;rst li&NoBreak;ne",
        "&#70;irst&nbspline",
        "Fi&amp;shy;rst li&amp;amp;#173;ne",
        "&Fopf;irst &lscr;ine",
        "F\\u0069rst l\\u{69}n\\x65",
        "\\ud835\\udc05irst \\U0000006cine",
        "Fіrst lіnе",
        "\u{1f155}irst line",
    ] {
        assert_eq!(as_seen(written), "First line", "{written:?}");
    }
}

#[test]
fn what_is_seen_stays() {
    for text in
        ["", "a & b", "&", "&;", "&x", "&#;", "&#x;", "\\", "\\u", "\\u00", "a\n\tb", "1 < 2"]
    {
        assert_eq!(as_seen(text), text);
    }
    assert_eq!(as_seen("Chọn năm âm"), "Chon nam am");
    assert_eq!(as_seen("Cho\u{323}n na\u{306}m a\u{302}m"), "Chon nam am");
    assert_eq!(as_seen("検査する"), "検査する");
    assert_eq!(as_seen("مـــدرســة"), as_seen("مدرسة"));
    assert_eq!(as_seen("\u{fb01}ne \u{2461} \u{2167}"), "fine 2 VIII");
    assert_eq!(as_seen("caf&eacute; &lt;b&gt; &amp; &alpha;"), "cafe <b> & a");
    assert_eq!(as_seen("&#99999999;&#xd800;&nosuchname;"), "&#99999999;&#xd800;&nosuchname;");
}

#[test]
fn markup_is_off_in_the_second_view() {
    for (text, left) in [
        ("Fi<b>rs</b>t", "First"),
        ("one<br>two<BR/>three", "one two three"),
        ("<ul><li>one</li><li class=\"a\">two</li></ul>", "  one  two  "),
        ("Fi<!-- a > b -->rst<wbr>", "First"),
        ("<x-a></x-a>Fi<>rst</>", "First"),
        ("Fi<a title=\"a > b\">rst", "First"),
        ("Fi<i x='1 < 2' y = \"'>\">rst</i>", "First"),
        ("Fi<a title=\"no end>rst", "First"),
        ("Fi<a it's>rst", "First"),
        ("Fi**rs**t and **bold**", "First and **bold**"),
        ("snake_case, Fi\\rst, short-lived", "snakecase, First, shortlived"),
        ("crea-\n  ted", "created"),
        ("crea\u{2010}\r\nted", "created"),
    ] {
        assert_eq!(without_markup(text).as_deref(), Some(left), "{text}");
    }
    for text in ["", "a < b > c", "1 <2> 3", "- item\n- item", "<", "<!--", "<b", "a - b", "x <y"] {
        assert_eq!(without_markup(text), None, "{text}");
    }
}

/// Checks that the work grows with the length of a text. If it grew with the square, the test would
/// take minutes.
#[test]
fn long_runs_take_linear_time() {
    for run in [
        "<!--", "<b", "<", "&", "&amp;", "&amp", "-", "\\u", "a-", "<!---->", "-\n", "\\ud800",
        "&#0", "<a \"x=", "<a x='", "\\u{0", "\\u{",
    ] {
        let text = as_seen(&run.repeat(100_000));
        without_markup(&text);
    }
}

/// Checks that each letter of the table stands for one Latin letter, and that no letter of the
/// table is Latin itself.
#[test]
fn the_table_of_look_alikes_is_sound() {
    let alike: Vec<char> =
        ('\u{80}'..='\u{ffff}').filter(|c| look_alikes::plain(*c) != *c).collect();
    assert!(alike.len() > 150, "{}", alike.len());
    assert!(alike.iter().all(|c| look_alikes::plain(*c).is_ascii_alphabetic()));
    assert!("éßøñüłđ".chars().all(|c| look_alikes::plain(c) == c));
}
