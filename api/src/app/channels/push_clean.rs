//! The character U+0000 in pushes. PostgreSQL keeps no text with it, and a platform repeats what is not acknowledged, so a
//! push that carries one would come back for ever and never be known. It is kept with U+FFFD in its place, the sign for
//! what cannot be written, on both databases.

use qianpu_sdk::{Interaction, Notice, NoticeKind};
use serde_json::Value;

/// The notice without that character, whatever it stood in.
pub(super) fn clean(notice: Notice) -> Notice {
    let Notice { dedup_key, native_type, kind, account_external_id, account_user_name, subject_id, .. } =
        notice;
    Notice {
        dedup_key: text(dedup_key),
        native_type: text(native_type),
        kind: match kind {
            NoticeKind::Unknown(name) => NoticeKind::Unknown(text(name)),
            known => known,
        },
        account_external_id: account_external_id.map(text),
        account_user_name: account_user_name.map(text),
        subject_id: subject_id.map(text),
        occurred_at: notice.occurred_at,
        hint: json(notice.hint),
        interaction: notice.interaction.map(interaction),
        raw: json(notice.raw),
        // Sealed as bytes, never kept as text.
        secret: notice.secret,
    }
}

fn text(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

fn json(value: Value) -> Value {
    match value {
        Value::String(own) => Value::String(text(own)),
        Value::Array(items) => Value::Array(items.into_iter().map(json).collect()),
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(name, value)| (text(name), json(value))).collect())
        }
        plain => plain,
    }
}

fn interaction(did: Interaction) -> Interaction {
    match did {
        Interaction::Said { text: said } => Interaction::Said { text: text(said) },
        Interaction::SentOther { what } => Interaction::SentOther { what: text(what) },
        Interaction::Followed { scene } => Interaction::Followed { scene: scene.map(text) },
        Interaction::Left => Interaction::Left,
        Interaction::Scanned { scene } => Interaction::Scanned { scene: text(scene) },
        Interaction::Clicked { key } => Interaction::Clicked { key: text(key) },
        Interaction::Opened { page } => Interaction::Opened { page: text(page) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qianpu_domain::time::Timestamp;
    use serde_json::json;

    #[test]
    fn nothing_of_a_notice_keeps_the_character() {
        let notice = Notice {
            account_external_id: Some("a\0".to_owned()),
            account_user_name: Some("\0b".to_owned()),
            subject_id: Some("\0".to_owned()),
            hint: json!({ "a\0": ["\0", { "b": "c\0" }], "d": 1 }),
            interaction: Some(Interaction::Said { text: "您\0好".to_owned() }),
            raw: json!("\0"),
            ..Notice::new("k\0", "n\0", NoticeKind::Unknown("u\0".to_owned()), Timestamp::from_seconds(1))
        };
        let clean = clean(notice);
        assert_eq!((clean.dedup_key.as_str(), clean.native_type.as_str()), ("k\u{fffd}", "n\u{fffd}"));
        assert_eq!(clean.kind, NoticeKind::Unknown("u\u{fffd}".to_owned()));
        assert_eq!(clean.account_external_id.as_deref(), Some("a\u{fffd}"));
        assert_eq!(clean.account_user_name.as_deref(), Some("\u{fffd}b"));
        assert_eq!(clean.subject_id.as_deref(), Some("\u{fffd}"));
        assert_eq!(clean.hint, json!({ "a\u{fffd}": ["\u{fffd}", { "b": "c\u{fffd}" }], "d": 1 }));
        assert!(clean.interaction == Some(Interaction::Said { text: "您\u{fffd}好".to_owned() }));
        assert_eq!(clean.raw, json!("\u{fffd}"));
    }
}
