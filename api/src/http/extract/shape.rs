//! The shape of a JSON body, looked at before it is parsed: how deep it is and how many members one list or object has.
//! One pass over the bytes and a few numbers, whatever comes; what is no JSON is told by the parser afterwards.

use crate::error::ApiError;
use qianpu_domain::error::ErrorCode;

/// The most lists and objects in one another. The parser itself ends at 128.
pub const MOST_DEPTH: usize = 32;
/// The most members of one list or object; rules of single fields are narrower.
pub const MOST_MEMBERS: u32 = 2_000;

/// Refuses a body that is too deep or too wide.
pub fn check(bytes: &[u8]) -> Result<(), ApiError> {
    let mut open: Vec<u32> = Vec::with_capacity(MOST_DEPTH);
    let (mut in_text, mut escaped) = (false, false);
    for byte in bytes {
        if in_text {
            (in_text, escaped) = (escaped || *byte != b'"', !escaped && *byte == b'\\');
            continue;
        }
        match byte {
            b'"' => in_text = true,
            b'[' | b'{' if open.len() == MOST_DEPTH => {
                let most = vec![("most", MOST_DEPTH.to_string())];
                return Err(ApiError::new(ErrorCode::BadRequest).with_text("core.json_too_deep", most));
            }
            b'[' | b'{' => open.push(0),
            b']' | b'}' => {
                open.pop();
            }
            b',' => {
                let Some(commas) = open.last_mut() else { continue };
                *commas += 1;
                if *commas >= MOST_MEMBERS {
                    let most = vec![("most", MOST_MEMBERS.to_string())];
                    return Err(ApiError::new(ErrorCode::BadRequest).with_text("core.json_too_many", most));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Text;

    fn refused(body: &str) -> Option<&'static str> {
        match check(body.as_bytes()) {
            Ok(()) => None,
            Err(error) => match error.detail() {
                Some(Text::Key(key, _)) => Some(key),
                _ => Some("another text"),
            },
        }
    }

    #[test]
    fn depth_and_width_have_an_end() {
        let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(refused(&deep(MOST_DEPTH)), None);
        assert_eq!(refused(&deep(MOST_DEPTH + 1)), Some("core.json_too_deep"));
        assert_eq!(refused(&"{\"a\":".repeat(MOST_DEPTH + 1)), Some("core.json_too_deep"));
        assert_eq!(refused(&"[".repeat(1_000_000)), Some("core.json_too_deep"));
        let wide = |members: u32| format!("[{}]", vec!["1"; members as usize].join(","));
        assert_eq!(refused(&wide(MOST_MEMBERS)), None);
        assert_eq!(refused(&wide(MOST_MEMBERS + 1)), Some("core.json_too_many"));
        // Side by side they do not add up.
        assert_eq!(refused(&format!("[{0},{0},{0}]", wide(MOST_MEMBERS))), None);
    }

    #[test]
    fn what_stands_in_texts_does_not_count() {
        for text in ["[[[[", ",,,,", "\\\"[[[", "\\\\"] {
            let body = format!("{{\"a\":\"{}\"}}", text.repeat(5_000));
            assert_eq!(refused(&body), None, "{text}");
        }
        // A text that ends with an escaped backslash ends.
        assert_eq!(refused(&format!("[\"\\\\\",{}", "[".repeat(MOST_DEPTH))), Some("core.json_too_deep"));
        assert_eq!(refused("]]]],,,,\"\\"), None, "the parser says what is wrong with it");
    }

    /// The parser's own end, for bodies that come another way; it would go if any crate asked for `unbounded_depth`.
    #[test]
    fn the_parser_ends_by_itself() {
        let deep = "[".repeat(200_000);
        assert!(
            serde_json::from_str::<serde_json::Value>(&deep)
                .is_err_and(|error| error.to_string().contains("recursion"))
        );
    }
}
