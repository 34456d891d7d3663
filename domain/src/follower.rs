//! Followers of a public account: what they do there, when they may be written to, and which rule answers them.
//!
//! The numbers are those of WeChat's table of customer-service messages (客服消息下发规则), as of 2026-11:
//! <https://developers.weixin.qq.com/doc/offiaccount/Customer_Service/Customer_Service_Messages.html>.

use crate::error::FieldError;
use crate::time::{Span, Timestamp};

words! {
    /// Where a follower stands.
    pub enum FollowerState {
        /// Follows the account.
        Following = "following",
        /// Stopped following it.
        Left = "left",
    }
}

words! {
    /// What opens a window for answers.
    pub enum Opening {
        /// The person wrote something.
        Message = "message",
        /// The person followed, pressed a button of the menu or scanned a code.
        Moment = "moment",
    }
}

impl Opening {
    /// How long the window stays open.
    pub const fn lasts(self) -> Span {
        match self {
            Self::Message => Span::hours(48),
            Self::Moment => Span::minutes(1),
        }
    }
    /// How many messages may go out within it.
    pub const fn allows(self) -> u32 {
        match self {
            Self::Message => 5,
            Self::Moment => 3,
        }
    }
}

/// One window: since when it is open, and what went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// What the person did, as the platform dates it.
    pub opened_at: Timestamp,
    /// Messages sent within it.
    pub sent: u32,
}

/// The windows of one follower.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Windows {
    /// Opened by the last message.
    pub message: Option<Window>,
    /// Opened by the last following, click or scan.
    pub moment: Option<Window>,
}

/// What is left of the windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// The window that the next message takes from.
    pub opening: Opening,
    /// Messages that may go out now, of all windows.
    pub left: u32,
    /// When the longest of them closes.
    pub until: Timestamp,
}

/// Why nothing may be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRoom {
    /// No window is open (the platform's 45015).
    Closed,
    /// The open windows are used up (the platform's 45047).
    UsedUp,
}

impl Windows {
    const fn of(&self, opening: Opening) -> Option<Window> {
        match opening {
            Opening::Message => self.message,
            Opening::Moment => self.moment,
        }
    }
    const fn of_mut(&mut self, opening: Opening) -> &mut Option<Window> {
        match opening {
            Opening::Message => &mut self.message,
            Opening::Moment => &mut self.moment,
        }
    }
    fn open_at(&self, opening: Opening, now: Timestamp) -> Option<Window> {
        self.of(opening).filter(|window| now < window.opened_at.plus(opening.lasts()))
    }

    /// The person did something that opens a window anew. What comes late and out of order opens nothing.
    #[must_use]
    pub fn opened(mut self, opening: Opening, at: Timestamp) -> Self {
        if self.of(opening).is_none_or(|window| at >= window.opened_at) {
            *self.of_mut(opening) = Some(Window { opened_at: at, sent: 0 });
        }
        self
    }

    /// What may be sent now. The short window is used first: its messages are lost the sooner.
    pub fn room(&self, now: Timestamp) -> Result<Room, NoRoom> {
        let mut room: Option<Room> = None;
        let mut any = false;
        for opening in [Opening::Moment, Opening::Message] {
            let Some(window) = self.open_at(opening, now) else { continue };
            any = true;
            let left = opening.allows().saturating_sub(window.sent);
            if left == 0 {
                continue;
            }
            let until = window.opened_at.plus(opening.lasts());
            room = Some(match room {
                None => Room { opening, left, until },
                Some(first) => Room { left: first.left + left, until: first.until.max(until), ..first },
            });
        }
        room.ok_or(if any { NoRoom::UsedUp } else { NoRoom::Closed })
    }

    /// Takes one message from the windows.
    pub fn spend(mut self, now: Timestamp) -> Result<Self, NoRoom> {
        let room = self.room(now)?;
        if let Some(window) = self.of_mut(room.opening) {
            window.sent += 1;
        }
        Ok(self)
    }

    /// Gives back a message that was taken from a window and not sent.
    #[must_use]
    pub fn given_back(mut self, opening: Opening) -> Self {
        if let Some(window) = self.of_mut(opening) {
            window.sent = window.sent.saturating_sub(1);
        }
        self
    }

    /// The platform says that no window is open: ours were wrong.
    #[must_use]
    pub fn closed(self) -> Self {
        Self::default()
    }

    /// The platform says that the windows are used up: ours were wrong.
    #[must_use]
    pub fn used_up(mut self) -> Self {
        for opening in [Opening::Message, Opening::Moment] {
            if let Some(window) = self.of_mut(opening) {
                window.sent = opening.allows();
            }
        }
        self
    }
}

words! {
    /// What a rule answers.
    pub enum Trigger {
        /// Somebody begins to follow.
        Followed = "followed",
        /// A text with one of the words.
        Keyword = "keyword",
        /// A press on a button of the menu with one of the keys.
        Menu = "menu",
        /// A code with one of the scenes, scanned or followed by.
        Scene = "scene",
        /// Whatever somebody wrote and no other rule answers.
        Default = "default",
    }
}

impl Trigger {
    /// Whether a rule of it names words.
    pub const fn has_words(self) -> bool {
        matches!(self, Self::Keyword | Self::Menu | Self::Scene)
    }
}

words! {
    /// How a text is compared with a rule's words.
    pub enum Matching {
        /// The text is the word.
        Exact = "exact",
        /// The word is in the text.
        Contains = "contains",
    }
}

/// What a person did, as rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act<'a> {
    /// Began to follow; by a code, when it was one.
    Followed(Option<&'a str>),
    /// Wrote a text.
    Said(&'a str),
    /// Sent something else: a picture, a voice, a place.
    SentOther,
    /// Pressed a button of the menu.
    Clicked(&'a str),
    /// Scanned a code, and follows already.
    Scanned(&'a str),
    /// Opened a link of the menu. Opens no window.
    Opened,
    /// Stopped following.
    Left,
}

impl Act<'_> {
    /// The window it opens.
    pub const fn opens(&self) -> Option<Opening> {
        match self {
            Self::Said(_) | Self::SentOther => Some(Opening::Message),
            Self::Followed(_) | Self::Clicked(_) | Self::Scanned(_) => Some(Opening::Moment),
            Self::Opened | Self::Left => None,
        }
    }
}

/// When a rule answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// What.
    pub trigger: Trigger,
    /// How texts are compared; of keywords only.
    pub matching: Matching,
    /// Words, keys or scenes.
    pub words: Vec<String>,
}

fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

impl Condition {
    fn names(&self, word: &str) -> bool {
        self.words.iter().any(|own| own == word)
    }
    /// Whether it answers the act by a word of its own.
    fn meets(&self, act: &Act<'_>) -> bool {
        match (self.trigger, act) {
            (Trigger::Keyword, Act::Said(text)) => {
                let text = folded(text);
                self.words.iter().map(|word| folded(word)).filter(|word| !word.is_empty()).any(|word| {
                    match self.matching {
                        Matching::Exact => text == word,
                        Matching::Contains => text.contains(&word),
                    }
                })
            }
            (Trigger::Menu, Act::Clicked(key)) => self.names(key),
            (Trigger::Scene, Act::Scanned(scene) | Act::Followed(Some(scene))) => self.names(scene),
            _ => false,
        }
    }
    /// Whether it answers the act when no word of any rule did.
    const fn catches(&self, act: &Act<'_>) -> bool {
        matches!(
            (self.trigger, act),
            (Trigger::Followed, Act::Followed(_)) | (Trigger::Default, Act::Said(_) | Act::SentOther)
        )
    }
}

/// The first rule that names what was done; else the first that welcomes, or answers everything.
pub fn choose<'a, T>(rules: &'a [T], condition: impl Fn(&T) -> &Condition, act: &Act<'_>) -> Option<&'a T> {
    let named = rules.iter().find(|rule| condition(rule).meets(act));
    named.or_else(|| rules.iter().find(|rule| condition(rule).catches(act)))
}

/// Most words of a rule.
pub const MOST_WORDS: usize = 10;
/// Longest word, in characters. A key of the menu and a scene of a code may be longer at the platform.
pub const LONGEST_WORD: usize = 64;
/// Longest text of an answer, in characters.
pub const LONGEST_TEXT: usize = 600;
/// The platform's limit of a text, in bytes.
const LONGEST_TEXT_BYTES: usize = 2048;
/// Longest title of a link.
pub const LONGEST_TITLE: usize = 64;
/// Longest description of a link.
pub const LONGEST_DESCRIPTION: usize = 120;

fn too_long(path: &str, most: usize) -> FieldError {
    FieldError::new(path, "too_long", format!("at most {most} characters"), format!("最多 {most} 个字"))
}

/// Words of a rule as typed: trimmed, without doubles.
pub fn read_words(trigger: Trigger, typed: &[String]) -> Result<Vec<String>, FieldError> {
    let mut words: Vec<String> = Vec::new();
    for word in typed.iter().map(|word| word.trim()).filter(|word| !word.is_empty()) {
        if word.chars().count() > LONGEST_WORD {
            return Err(too_long("words", LONGEST_WORD));
        }
        if word.chars().any(char::is_control) {
            let (en, zh) = ("one line each, without control characters", "每个词一行，请勿使用特殊字符");
            return Err(FieldError::new("words", "characters", en, zh));
        }
        if !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }
    if !trigger.has_words() {
        return Ok(Vec::new());
    }
    if words.is_empty() || words.len() > MOST_WORDS {
        let (en, zh) = (format!("1 to {MOST_WORDS} words"), format!("请填写 1 到 {MOST_WORDS} 个词"));
        return Err(FieldError::new("words", "range", en, zh));
    }
    Ok(words)
}

/// A text that goes to a follower.
pub fn answer_text(text: &str) -> Result<String, FieldError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(FieldError::required("text"));
    }
    if text.chars().count() > LONGEST_TEXT || text.len() > LONGEST_TEXT_BYTES {
        return Err(too_long("text", LONGEST_TEXT));
    }
    if text.chars().any(|one| one.is_control() && one != '\n' && one != '\r') {
        return Err(FieldError::new("text", "characters", "no control characters", "请勿使用特殊字符"));
    }
    Ok(text.to_owned())
}

/// Title and description of a link, one line each.
pub fn answer_line(path: &str, text: &str, most: usize, required: bool) -> Result<String, FieldError> {
    let text = text.trim();
    if text.is_empty() && required {
        return Err(FieldError::required(path));
    }
    if text.chars().count() > most {
        return Err(too_long(path, most));
    }
    if text.chars().any(char::is_control) {
        return Err(FieldError::new(path, "characters", "one line", "请写成一行"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000 + seconds)
    }

    #[test]
    fn windows_close_to_the_second() {
        for (opening, lasts, allows) in [(Opening::Message, 48 * 3600, 5), (Opening::Moment, 60, 3)] {
            let windows = Windows::default().opened(opening, at(0));
            let room = |seconds| windows.room(at(seconds));
            assert_eq!(room(0), Ok(Room { opening, left: allows, until: at(lasts) }));
            assert!(room(lasts - 1).is_ok(), "{opening}");
            assert_eq!(room(lasts), Err(NoRoom::Closed), "{opening}");
            let mut spent = windows;
            for _ in 0..allows {
                spent = spent.spend(at(1)).expect("room");
            }
            assert_eq!(spent.spend(at(1)), Err(NoRoom::UsedUp));
            assert_eq!(spent.spend(at(lasts)), Err(NoRoom::Closed));
            // The next act grants anew; one that comes late does not.
            assert_eq!(spent.opened(opening, at(-1)).room(at(1)), Err(NoRoom::UsedUp));
            assert_eq!(spent.opened(opening, at(2)).room(at(2)).map(|room| room.left), Ok(allows));
        }
        assert_eq!(Windows::default().room(at(0)), Err(NoRoom::Closed));
    }

    #[test]
    fn the_short_window_is_used_first() {
        let windows = Windows::default().opened(Opening::Message, at(0)).opened(Opening::Moment, at(0));
        let room = windows.room(at(0)).expect("room");
        assert_eq!((room.opening, room.left, room.until), (Opening::Moment, 8, at(48 * 3600)));
        let spent = windows.spend(at(0)).expect("room");
        assert_eq!((spent.moment.map(|w| w.sent), spent.message.map(|w| w.sent)), (Some(1), Some(0)));
        assert_eq!(spent.given_back(Opening::Moment), windows);
        assert_eq!(spent.room(at(61)).map(|room| (room.opening, room.left)), Ok((Opening::Message, 5)));
        assert_eq!(windows.used_up().room(at(0)), Err(NoRoom::UsedUp));
        assert_eq!(windows.closed().room(at(0)), Err(NoRoom::Closed));
    }

    fn rule(trigger: Trigger, matching: Matching, words: &[&str]) -> Condition {
        Condition { trigger, matching, words: words.iter().map(|&word| word.to_owned()).collect() }
    }

    #[test]
    fn the_first_rule_that_names_it_answers() {
        use Matching::{Contains, Exact};
        let rules = [
            rule(Trigger::Default, Exact, &[]),
            rule(Trigger::Followed, Exact, &[]),
            rule(Trigger::Keyword, Exact, &["发货", "Hi"]),
            rule(Trigger::Keyword, Contains, &["发货"]),
            rule(Trigger::Keyword, Contains, &["货"]),
            rule(Trigger::Menu, Exact, &["V1001"]),
            rule(Trigger::Scene, Exact, &["shop-door"]),
        ];
        let cases = [
            (Act::Said(" 发货 "), Some(2)),
            (Act::Said("hI"), Some(2)),
            (Act::Said("什么时候发货？"), Some(3)),
            (Act::Said("到货了吗"), Some(4)),
            (Act::Said("在吗"), Some(0)),
            (Act::Said(""), Some(0)),
            (Act::SentOther, Some(0)),
            (Act::Followed(None), Some(1)),
            (Act::Followed(Some("elsewhere")), Some(1)),
            (Act::Followed(Some("shop-door")), Some(6)),
            (Act::Scanned("shop-door"), Some(6)),
            (Act::Scanned("elsewhere"), None),
            (Act::Clicked("V1001"), Some(5)),
            (Act::Clicked("v1001"), None),
            (Act::Opened, None),
            (Act::Left, None),
        ];
        for (act, expected) in cases {
            let found = choose(&rules, |rule| rule, &act);
            let found = found.and_then(|found| rules.iter().position(|rule| std::ptr::eq(rule, found)));
            assert_eq!(found, expected, "{act:?}");
        }
        assert_eq!(choose(&rules[2..], |rule| rule, &Act::Said("在吗")), None);
    }

    #[test]
    fn words_and_texts_are_bounded() {
        let words = |texts: &[&str]| {
            let typed: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
            read_words(Trigger::Keyword, &typed)
        };
        assert_eq!(words(&[" 发货 ", "", "发货", "退货"]), Ok(vec!["发货".to_owned(), "退货".to_owned()]));
        assert!(words(&[]).is_err() && words(&["a\tb"]).is_err());
        assert!(words(&[&"长".repeat(LONGEST_WORD + 1)]).is_err());
        let many: Vec<String> = (0..=MOST_WORDS).map(|index| index.to_string()).collect();
        assert!(read_words(Trigger::Keyword, &many).is_err());
        assert_eq!(read_words(Trigger::Default, &many), Ok(Vec::new()));
        assert_eq!(answer_text(" 您好\n欢迎 ").as_deref(), Ok("您好\n欢迎"));
        for bad in ["", " ", "a\u{0}b", &"a".repeat(LONGEST_TEXT + 1)] {
            assert!(answer_text(bad).is_err(), "{bad}");
        }
        assert!(answer_line("title", "", 4, true).is_err() && answer_line("title", "", 4, false).is_ok());
        assert!(
            answer_line("title", "四个字的", 4, true).is_ok()
                && answer_line("title", "五个字的长", 4, true).is_err()
        );
    }
}
