//! The menu of a public account: what may stand on a button and in it.
//!
//! From <https://developers.weixin.qq.com/doc/offiaccount/Custom_Menus/Creating_Custom-Defined_Menu.html>.

use crate::error::FieldError;

/// Buttons side by side.
pub const MOST_TOP: usize = 3;
/// Buttons below one.
pub const MOST_BELOW: usize = 5;
/// Bytes of the name of a button, and of one below it.
const NAME_BYTES: [usize; 2] = [16, 60];
/// Bytes of a key.
const KEY_BYTES: usize = 128;
/// Bytes of a mini-program's id or page.
const PROGRAM_BYTES: usize = 256;

fn one_line(path: &str, text: &str, most: usize) -> Result<String, FieldError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(FieldError::required(path));
    }
    if text.len() > most {
        // A Chinese character takes three bytes.
        let (en, zh) = (format!("at most {most} bytes"), format!("最多 {} 个汉字或 {most} 个字母", most / 3));
        return Err(FieldError::new(path, "too_long", en, zh));
    }
    if text.chars().any(char::is_control) {
        return Err(FieldError::new(path, "characters", "one line", "请写成一行"));
    }
    Ok(text.to_owned())
}

/// What stands on a button.
pub fn button_name(path: &str, text: &str, top: bool) -> Result<String, FieldError> {
    one_line(path, text, NAME_BYTES[usize::from(!top)])
}

/// What a button sends.
pub fn click_key(path: &str, text: &str) -> Result<String, FieldError> {
    one_line(path, text, KEY_BYTES)
}

/// The id of a mini-program, or its page.
pub fn mini_program(path: &str, text: &str) -> Result<String, FieldError> {
    one_line(path, text, PROGRAM_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_counted_in_bytes() {
        assert_eq!(button_name("n", " 今日好物 ", true).as_deref(), Ok("今日好物"));
        assert!(button_name("n", "今日好物榜", true).is_ok());
        assert!(button_name("n", "今日好物榜单", true).is_err());
        assert!(button_name("n", "今日好物榜单", false).is_ok());
        assert!(button_name("n", &"长".repeat(21), false).is_err());
        assert!(button_name("n", "", true).is_err() && button_name("n", "a\nb", true).is_err());
        assert!(click_key("k", &"k".repeat(129)).is_err() && click_key("k", &"k".repeat(128)).is_ok());
    }
}
