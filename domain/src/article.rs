//! Articles of a public account: their limits, their states, and how what was typed becomes a page.
//!
//! The limits are those of <https://developers.weixin.qq.com/doc/offiaccount/Draft_Box/Add_draft.html>, as of 2026-11.

use crate::error::FieldError;

words! {
    /// Where an article stands.
    pub enum ArticleState {
        /// Being written.
        Draft = "draft",
        /// To be brought to the platform.
        Queued = "queued",
        /// Being submitted: the platform may have it.
        Submitting = "submitting",
        /// The platform works on it.
        Publishing = "publishing",
        /// People can read it.
        Published = "published",
        /// The platform or the plugin refused it; it can be changed and tried again.
        Refused = "refused",
        /// No answer came to the submission: the platform may publish it or not.
        Unknown = "unknown",
    }
}

impl ArticleState {
    /// Whether it may be changed, deleted and published.
    pub const fn open(self) -> bool {
        matches!(self, Self::Draft | Self::Refused | Self::Unknown)
    }
}

/// Longest title.
pub const TITLE: usize = 32;
/// Longest name of who wrote it.
pub const AUTHOR: usize = 16;
/// Longest digest.
pub const DIGEST: usize = 128;
/// The page has fewer characters than this, marks of HTML among them.
pub const PAGE: usize = 20_000;

/// What was typed as a page: paragraphs are parted by empty lines, a line that begins with `# ` is a heading. Nothing of
/// it is HTML.
pub fn page(text: &str) -> String {
    let mut page = String::new();
    for block in text.replace("\r\n", "\n").split("\n\n").map(str::trim).filter(|block| !block.is_empty()) {
        let (mark, block) = match block.strip_prefix("# ") {
            Some(rest) if !rest.contains('\n') => ("h2", rest),
            _ => ("p", block),
        };
        page.push_str(&format!("<{mark}>"));
        for (index, line) in block.lines().enumerate() {
            if index > 0 {
                page.push_str("<br>");
            }
            for one in line.chars() {
                match one {
                    '<' => page.push_str("&lt;"),
                    '>' => page.push_str("&gt;"),
                    '&' => page.push_str("&amp;"),
                    '"' => page.push_str("&quot;"),
                    one => page.push(one),
                }
            }
        }
        page.push_str(&format!("</{mark}>"));
    }
    page
}

/// The text of an article.
pub fn article_text(text: &str) -> Result<String, FieldError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(FieldError::required("content"));
    }
    if text.chars().any(|one| one.is_control() && !matches!(one, '\n' | '\r' | '\t')) {
        return Err(FieldError::new("content", "characters", "no control characters", "请勿使用特殊字符"));
    }
    if page(text).chars().count() >= PAGE {
        let (en, zh) = ("the page is longer than 20,000 characters", "正文超过平台的 2 万字符上限");
        return Err(FieldError::new("content", "too_long", en, zh));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_paragraphs_and_headings_and_no_html_of_others() {
        assert_eq!(
            page("# 新茶\n\n第一段\r\n第二行\n\n\n<script>alert(\"1\")</script> & 完"),
            "<h2>新茶</h2><p>第一段<br>第二行</p><p>&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; 完</p>"
        );
        assert_eq!(page("  \n\n "), "");
        assert!(article_text(" ").is_err() && article_text("a\u{0}").is_err());
        assert!(article_text(&"长".repeat(PAGE - 8)).is_ok());
        assert!(article_text(&"长".repeat(PAGE - 7)).is_err());
        assert!(article_text(&"<".repeat(5_000)).is_err(), "marks count as the platform counts them");
    }

    #[test]
    fn what_the_platform_has_is_not_changed() {
        let open: Vec<&str> = ArticleState::ALL.iter().filter(|s| s.open()).map(|s| s.as_str()).collect();
        assert_eq!(open, ["draft", "refused", "unknown"]);
    }
}
