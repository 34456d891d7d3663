//! What a person did at a public account, read from messages and events.
//!
//! From <https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Receiving_event_pushes.html>: a code that
//! somebody follows by has its scene behind `qrscene_`, one that a follower scans has it plain.

use qianpu_sdk::Interaction;
use qianpu_sdk::wire::text;
use serde_json::Value;

const FOLLOWED_BY: &str = "qrscene_";

/// The key of an event: text, or a number where a scene is one.
fn key(message: &Value) -> String {
    match &message["EventKey"] {
        Value::String(key) => key.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

pub(crate) fn of_message(kind: &str, message: &Value) -> Interaction {
    match (kind, text(&message["Content"])) {
        ("text", Some(text)) => Interaction::Said { text },
        _ => Interaction::SentOther { what: kind.chars().take(40).collect() },
    }
}

/// None for events that nobody's doing caused.
pub(crate) fn of_event(event: &str, message: &Value) -> Option<Interaction> {
    let key = key(message);
    let scene = |text: &str| Some(text.to_owned()).filter(|scene| !scene.is_empty());
    Some(match event.to_ascii_lowercase().as_str() {
        "subscribe" => Interaction::Followed { scene: key.strip_prefix(FOLLOWED_BY).and_then(scene) },
        "unsubscribe" => Interaction::Left,
        "scan" => Interaction::Scanned { scene: key },
        // All three send the button's key, and open a window for answers.
        "click" | "scancode_push" | "scancode_waitmsg" => Interaction::Clicked { key },
        "view" | "view_miniprogram" => Interaction::Opened { page: key },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn events_and_messages_are_read_as_the_document_says() {
        let event = |name: &str, key: Value| of_event(name, &json!({ "EventKey": key }));
        let scene = |text: &str| text.to_owned();
        assert_eq!(event("subscribe", json!("")), Some(Interaction::Followed { scene: None }));
        // Following by somebody's card carries another key.
        assert_eq!(event("subscribe", json!("last_trade_no_1")), Some(Interaction::Followed { scene: None }));
        let followed = Interaction::Followed { scene: Some(scene("door")) };
        assert_eq!(event("subscribe", json!("qrscene_door")), Some(followed));
        assert_eq!(event("SCAN", json!("door")), Some(Interaction::Scanned { scene: scene("door") }));
        assert_eq!(event("SCAN", json!(7)), Some(Interaction::Scanned { scene: scene("7") }));
        assert_eq!(event("CLICK", json!("V1")), Some(Interaction::Clicked { key: scene("V1") }));
        assert_eq!(event("VIEW", json!("https://a")), Some(Interaction::Opened { page: scene("https://a") }));
        assert_eq!(event("unsubscribe", json!("")), Some(Interaction::Left));
        assert_eq!(event("LOCATION", json!("")), None);
        let said = of_message("text", &json!({ "Content": "在吗" }));
        assert_eq!(said, Interaction::Said { text: scene("在吗") });
        assert!(!format!("{said:?}").contains("在吗"));
        let image = of_message("image", &json!({ "PicUrl": "https://a" }));
        assert_eq!(image, Interaction::SentOther { what: scene("image") });
    }
}
