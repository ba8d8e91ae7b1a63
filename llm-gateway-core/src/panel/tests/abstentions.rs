//! Answers that say that they do not know, in several languages, and answers that do not.

use crate::panel::abstention::abstains;

#[test]
fn an_answer_that_does_not_know_or_cannot_tell_abstains() {
    for text in [
        "I don't know.",
        "I don’t know",
        "i dont know",
        "I do not know the answer.",
        "**Unknown**",
        "Answer: unknown",
        "The author is unknown.",
        "N/A",
        "?",
        "Not sure.",
        "Sorry, no idea.",
        "It's unclear.",
        "We cannot tell.",
        "It is not possible to say.",
        "There is no way to know.",
        "E. Cannot be determined",
        "The answer cannot be determined from the information given.",
        "I'm sorry, but I can't help with that.",
        "I'm afraid I don't have that information.",
        "Not enough information.",
        "\"I don't know\"",
        "`unknown`",
        "{\"answer\": \"I don't know\"}",
        "{\"answer\": \"unknown\"}",
        "Let me think.\n\nI am not sure.",
        "Ich weiß es nicht.",
        "Keine Ahnung!",
        "Das ist unbekannt.",
        "Je ne sais pas.",
        "Impossible de déterminer la réponse.",
        "No lo sé.",
        "Desconocido",
        "Não sei.",
        "Non lo so.",
        "Ik weet het niet.",
        "Nie wiem.",
        "Nevím.",
        "Jag vet inte.",
        "Jeg ved det ikke.",
        "En tiedä.",
        "Не знаю.",
        "Неизвестно",
        "我不知道。",
        "无法确定",
        "わかりません。",
        "모르겠습니다.",
        "Bilmiyorum.",
        "لا أعرف",
        "אני לא יודע",
        "मुझे नहीं पता",
        "Saya tidak tahu.",
        "Tôi không biết.",
        "ไม่ทราบ",
        "Δεν ξέρω.",
        "Nu știu.",
        "Nem tudom.",
    ] {
        assert!(abstains(text), "{text:?}");
    }
}

#[test]
fn an_answer_that_tells_something_does_not_abstain() {
    for text in [
        "42",
        "No",
        "no",
        "None",
        "null",
        "None of the above",
        "Na",
        "Pass",
        "B",
        "Paris",
        "Unknown Pleasures",
        "The Unknown Soldier",
        "Casino se",
        "The known world",
        "不",
        "いいえ",
        "Nein",
        "Nada",
        "{\"name\": \"Ada\", \"middle name\": \"unknown\"}",
        "{\"unknown\": 3, \"known\": 4}",
        "[]",
        "It is certain.",
        "sure",
    ] {
        assert!(!abstains(text), "{text:?}");
    }
}
