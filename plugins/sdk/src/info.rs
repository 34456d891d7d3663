//! Who a channel is: names, kinds of account, ways to link, hosts and limits.

/// Facts about a channel that never change at run time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChannelInfo {
    /// Stable id, lower case with hyphens; part of the push address.
    pub slug: &'static str,
    /// Name in English.
    pub name_en: &'static str,
    /// Name in Chinese.
    pub name_zh: &'static str,
    /// Kinds of account it links. Quotas count by kind.
    pub kinds: &'static [AccountKind],
    /// Ways to link an account.
    pub link_modes: &'static [LinkMode],
    /// Channels with the same family share one channel app: a WeChat third-party platform serves public
    /// accounts and shops alike, and one push address takes the events of both.
    pub app_family: Option<&'static str>,
    /// How the provider's app works at this platform; without meaning for a channel without one.
    pub app_shape: AppShape,
    /// Push formats the platform uses, by way of linking.
    pub push_rules: &'static [PushRule],
    /// Hosts the plugin talks to, by name; it can reach nothing else.
    pub hosts: &'static [HostName],
    /// Rate-limit buckets its requests name.
    pub buckets: &'static [Bucket],
}

impl ChannelInfo {
    /// The push formats of a way of linking.
    pub fn formats(&self, mode: LinkMode) -> &'static [PushFormat] {
        self.push_rules.iter().find(|rule| rule.mode == mode).map_or(&[], |rule| rule.formats)
    }
    /// A kind by its code.
    pub fn kind(&self, code: &str) -> Option<&'static AccountKind> {
        self.kinds.iter().find(|kind| kind.code == code)
    }
}

/// How the provider's app works at a platform.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AppShape {
    /// What the app has and what it is used for.
    pub style: AppStyle,
    /// What the provider types besides the app's id and secret. It is not secret, and reaches the operations of
    /// the app as [`crate::Context::settings`].
    pub settings: &'static [AppSetting],
    /// A word in the address the platform sends browsers back to: `/channels/{word}/callback`.
    pub callback: &'static str,
}

/// What the provider's app has, and what it is used for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AppStyle {
    /// The app gets a token of its own from a ticket that the platform pushes, and looks accounts up with it. Calls
    /// of an account carry the account's token and nothing of the app's. Pushes are signed and encrypted with a
    /// token and a key that the provider chose (WeChat's third-party platforms).
    TicketAndToken,
    /// The app has an id and a secret and no more. They sign every call, those of accounts too, and the pushes.
    /// Nobody lists the accounts that granted: the exchange of the code names the account. For a direct link the
    /// merchant types the id and the secret of an app of their own beside the account's id.
    Signing,
}

impl AppStyle {
    /// Whether the app has a token of its own, a ticket for it, and a list of the accounts that granted.
    pub const fn has_token(self) -> bool {
        matches!(self, Self::TicketAndToken)
    }
    /// Whether calls of an account need the app's id and secret.
    pub const fn signs_calls(self) -> bool {
        matches!(self, Self::Signing)
    }
    /// Whether an account that is linked directly is called with an app of its own, whose id is not the account's.
    pub const fn own_app(self) -> bool {
        self.signs_calls()
    }
    /// Whether the provider chooses a token and a key for pushes; otherwise they are signed with the app's secret,
    /// which then stands in [`crate::PushCredentials::token`].
    pub const fn has_push_keys(self) -> bool {
        matches!(self, Self::TicketAndToken)
    }
}

/// Something the provider types for its app.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AppSetting {
    /// Name in the settings.
    pub name: &'static str,
    /// Label in English.
    pub name_en: &'static str,
    /// Label in Chinese.
    pub name_zh: &'static str,
}

/// A kind of account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AccountKind {
    /// Stable code, such as `official_account`.
    pub code: &'static str,
    /// Name in English.
    pub name_en: &'static str,
    /// Name in Chinese.
    pub name_zh: &'static str,
}

/// A way to link an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkMode {
    /// The merchant types the account's id and secret.
    Direct,
    /// The merchant follows an authorisation link of the provider's channel app.
    AuthorisationLink,
    /// The merchant buys the provider's service in the platform's market; the platform then pushes the grant.
    Purchase,
}

impl LinkMode {
    /// Stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::AuthorisationLink => "authorisation_link",
            Self::Purchase => "purchase",
        }
    }
    /// From the stable name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Direct, Self::AuthorisationLink, Self::Purchase].into_iter().find(|mode| mode.as_str() == text)
    }
    /// Whether the link goes through the provider's channel app.
    pub const fn through_app(self) -> bool {
        !matches!(self, Self::Direct)
    }
}

/// A format of pushes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PushFormat {
    /// JSON.
    Json,
    /// XML.
    Xml,
}

impl PushFormat {
    /// Stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Xml => "xml",
        }
    }
}

/// Which formats a way of linking uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PushRule {
    /// The way of linking.
    pub mode: LinkMode,
    /// The formats; the first is the platform's own default.
    pub formats: &'static [PushFormat],
}

/// A host a plugin talks to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HostName {
    /// Name used in [`crate::Request::host`].
    pub name: &'static str,
    /// Base URL of the real platform, without a slash at the end.
    pub base_url: &'static str,
}

/// A rate limit: a token bucket per account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bucket {
    /// Name used in [`crate::Request::bucket`].
    pub name: &'static str,
    /// Calls refilled per minute.
    pub per_minute: u32,
    /// Calls that may be made at once.
    pub burst: u32,
}
