//! Reading a manifest: what it says has to hold, and becomes the facts of a channel.

use qianpu_sdk::bridge::{Capability, KindForm, MANIFEST_SCHEMA, Manifest};
use qianpu_sdk::{
    AccountKind, AppSetting, AppShape, AppStyle, Bucket, ChannelInfo, HostName, LinkMode, PlatformNames,
    PushFormat, PushRule,
};
use url::{Host, Url};

/// Longest name people read.
const LONGEST_NAME: usize = 60;

/// Whether the manifest can be used; otherwise what is wrong with it.
pub(crate) fn check(manifest: &Manifest) -> Result<(), String> {
    let Manifest { slug, version, .. } = manifest;
    must(manifest.schema == MANIFEST_SCHEMA, || format!("its schema is not {MANIFEST_SCHEMA}"))?;
    must(plain(slug, '-') && slug.len() <= 40, || {
        format!("the slug {slug:?} is not lower case with hyphens")
    })?;
    let numbers: Vec<_> = version.split('.').map(str::parse::<u32>).collect();
    must(numbers.len() == 3 && numbers.iter().all(Result::is_ok), || {
        format!("the version {version:?} is not three numbers")
    })?;
    for name in [&manifest.name_en, &manifest.name_zh] {
        must(named(name), || format!("the name {name:?} is empty or too long"))?;
    }
    must((1..=10).contains(&manifest.kinds.len()), || "there is no kind of account, or too many".to_owned())?;
    for kind in &manifest.kinds {
        let good =
            plain(&kind.code, '_') && kind.code.len() <= 40 && named(&kind.name_en) && named(&kind.name_zh);
        must(good, || format!("the kind {:?} is not named well", kind.code))?;
    }
    must((1..=3).contains(&manifest.link_modes.len()), || "there is no way of linking".to_owned())?;
    for mode in manifest.link_modes.iter().chain(manifest.push_rules.iter().map(|rule| &rule.mode)) {
        must(LinkMode::parse(mode).is_some(), || format!("there is no way of linking {mode:?}"))?;
    }
    for text in manifest.push_rules.iter().flat_map(|rule| &rule.formats) {
        must(format(text).is_some(), || format!("there is no push format {text:?}"))?;
    }
    must((1..=20).contains(&manifest.hosts.len()), || "there is no host, or too many".to_owned())?;
    for host in &manifest.hosts {
        must(plain(&host.name, '_'), || format!("the host {:?} is not named well", host.name))?;
        must(public(&host.base_url), || {
            format!(
                "the base URL {:?} is not https with the name of a public host and nothing behind it",
                host.base_url
            )
        })?;
    }
    if let Some(shape) = &manifest.app_shape {
        must(style(&shape.style).is_some(), || format!("there is no style of app {:?}", shape.style))?;
        must(plain(&shape.callback, '-') && shape.callback.len() <= 40, || {
            format!("the callback {:?} is not lower case with hyphens", shape.callback)
        })?;
        must(shape.settings.len() <= 10, || "an app has too many settings".to_owned())?;
        for one in &shape.settings {
            let good = plain(&one.code, '_') && named(&one.name_en) && named(&one.name_zh);
            must(good, || format!("the setting {:?} is not named well", one.code))?;
        }
    }
    let has_app = manifest.capabilities.contains(&Capability::App);
    must(has_app == manifest.app_shape.is_some(), || {
        "it does not say how the provider's app works".to_owned()
    })?;
    must(manifest.buckets.len() <= 50, || "there are too many buckets".to_owned())?;
    for bucket in &manifest.buckets {
        let good = plain(&bucket.name, '_') && bucket.per_minute > 0 && bucket.burst > 0;
        must(good, || format!("the bucket {:?} is empty or not named well", bucket.name))?;
    }
    must(manifest.secret_fields.len() <= 50, || "there are too many secret fields".to_owned())?;
    let signs_in = manifest.capabilities.contains(&Capability::SignIn);
    must(signs_in == manifest.sign_in.is_some(), || "it does not say how people call the platform".to_owned())
}

fn must(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

fn plain(text: &str, mark: char) -> bool {
    !text.is_empty()
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == mark)
        && !text.starts_with(mark)
        && !text.ends_with(mark)
}

fn named(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= LONGEST_NAME && !text.chars().any(char::is_control)
}

fn style(text: &str) -> Option<AppStyle> {
    match text {
        "ticket_and_token" => Some(AppStyle::TicketAndToken),
        "signing" => Some(AppStyle::Signing),
        _ => None,
    }
}

/// A plugin without an app has a shape without meaning, as built-in ones have.
fn shape(manifest: &Manifest) -> AppShape {
    let Some(shape) = &manifest.app_shape else {
        return AppShape { style: AppStyle::TicketAndToken, settings: &[], callback: "" };
    };
    let setting = |one: &KindForm| AppSetting {
        name: kept(&one.code),
        name_en: kept(&one.name_en),
        name_zh: kept(&one.name_zh),
    };
    AppShape {
        style: style(&shape.style).unwrap_or(AppStyle::TicketAndToken),
        settings: Vec::leak(shape.settings.iter().map(setting).collect()),
        callback: kept(&shape.callback),
    }
}

fn format(text: &str) -> Option<PushFormat> {
    [PushFormat::Json, PushFormat::Xml].into_iter().find(|format| format.as_str() == text)
}

/// A name with a dot and no address: addresses inside of networks and of this machine are nobody's platform.
fn public(base_url: &str) -> bool {
    let Ok(url) = Url::parse(base_url) else { return false };
    let name = match url.host() {
        Some(Host::Domain(name)) => name.to_ascii_lowercase(),
        _ => return false,
    };
    let inside = [".localhost", ".local", ".internal", ".lan", ".home", ".intranet"];
    url.scheme() == "https"
        && url.path() == "/"
        && !base_url.ends_with('/')
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && url.port().is_none()
        && name.contains('.')
        && !name.ends_with('.')
        && !inside.iter().any(|end| name.ends_with(end))
}

/// The facts of a channel live as long as the process, like those of built-in ones. A version leaves them behind when it
/// goes; they are a few hundred bytes, and the caller makes them once per content.
pub(crate) fn facts(manifest: &Manifest) -> &'static ChannelInfo {
    let kinds: Vec<_> = manifest
        .kinds
        .iter()
        .map(|kind| AccountKind {
            code: kept(&kind.code),
            name_en: kept(&kind.name_en),
            name_zh: kept(&kind.name_zh),
        })
        .collect();
    let rules: Vec<_> = manifest
        .push_rules
        .iter()
        .filter_map(|rule| {
            let formats: Vec<_> = rule.formats.iter().filter_map(|text| format(text)).collect();
            Some(PushRule { mode: LinkMode::parse(&rule.mode)?, formats: Vec::leak(formats) })
        })
        .collect();
    let hosts: Vec<_> = manifest
        .hosts
        .iter()
        .map(|host| HostName { name: kept(&host.name), base_url: kept(&host.base_url) })
        .collect();
    let buckets: Vec<_> = manifest
        .buckets
        .iter()
        .map(|bucket| Bucket { name: kept(&bucket.name), per_minute: bucket.per_minute, burst: bucket.burst })
        .collect();
    let modes: Vec<_> = manifest.link_modes.iter().filter_map(|mode| LinkMode::parse(mode)).collect();
    Box::leak(Box::new(ChannelInfo {
        slug: kept(&manifest.slug),
        name_en: kept(&manifest.name_en),
        name_zh: kept(&manifest.name_zh),
        kinds: Vec::leak(kinds),
        link_modes: Vec::leak(modes),
        app_family: manifest.app_family.as_deref().map(kept),
        app_shape: shape(manifest),
        push_rules: Vec::leak(rules),
        hosts: Vec::leak(hosts),
        buckets: Vec::leak(buckets),
    }))
}

/// What people call the platform.
pub(crate) fn names(manifest: &Manifest) -> Option<PlatformNames> {
    let names = manifest.sign_in.as_ref()?;
    Some(PlatformNames { zh: kept(&names.zh), en: kept(&names.en), browser: kept(&names.browser) })
}

fn kept(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

#[cfg(test)]
mod tests {
    use super::public;

    #[test]
    fn only_public_hosts_can_be_asked_for() {
        assert!(public("https://api.weixin.qq.com"));
        for bad in [
            "http://api.example.com",
            "https://localhost",
            "https://127.0.0.1",
            "https://[::1]",
            "https://169.254.169.254",
            "https://2130706433",
            "https://database",
            "https://metadata.google.internal",
            "https://printer.local",
            "https://user@api.example.com",
            "https://api.example.com:8443",
            "https://api.example.com/path",
            "https://api.example.com/",
            "https://api.example.com?x",
            "ftp://api.example.com",
            "api.example.com",
        ] {
            assert!(!public(bad), "{bad}");
        }
    }
}
