//! What a browser calls itself, as people say it: `Chrome · Windows`. It is the client's own word, so it only helps to
//! tell devices apart and decides nothing. No library that is kept up knows the browsers inside Chinese apps.

use super::lang::Lang;

/// Browsers by a token of their own, the most particular first: nearly all of them call themselves Safari as well.
const BROWSERS: [(&str, &str, &str); 14] = [
    ("MicroMessenger/", "微信", "WeChat"),
    ("aweme", "抖音", "Douyin"),
    ("Kwai/", "快手", "Kuaishou"),
    ("AlipayClient/", "支付宝", "Alipay"),
    ("MQQBrowser/", "QQ 浏览器", "QQ Browser"),
    ("QQBrowser/", "QQ 浏览器", "QQ Browser"),
    ("UCBrowser/", "UC 浏览器", "UC Browser"),
    ("Edg", "Edge", "Edge"),
    ("OPR/", "Opera", "Opera"),
    ("FxiOS/", "Firefox", "Firefox"),
    ("Firefox/", "Firefox", "Firefox"),
    ("CriOS/", "Chrome", "Chrome"),
    ("Chrome/", "Chrome", "Chrome"),
    ("Safari/", "Safari", "Safari"),
];

/// Systems; the most particular first: Android calls itself Linux, an iPhone "like Mac OS X".
const SYSTEMS: [(&str, &str, &str); 9] = [
    ("OpenHarmony", "鸿蒙", "HarmonyOS"),
    ("HarmonyOS", "鸿蒙", "HarmonyOS"),
    ("iPhone", "iPhone", "iPhone"),
    ("iPad", "iPad", "iPad"),
    ("Android", "安卓", "Android"),
    ("Windows", "Windows", "Windows"),
    ("Macintosh", "Mac", "Mac"),
    ("CrOS", "ChromeOS", "ChromeOS"),
    ("Linux", "Linux", "Linux"),
];

/// Most characters shown of a client that is no known browser.
const MOST: usize = 40;

/// Browser and system of a `User-Agent`; the beginning of what it says where it is no known browser.
pub fn device_name(lang: Lang, agent: &str) -> String {
    let named = |known: &[(&'static str, &'static str, &'static str)]| {
        known.iter().find(|(token, ..)| agent.contains(token)).map(|(_, zh, en)| lang.pick(zh, en))
    };
    match (named(&BROWSERS), named(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} · {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, _) => agent.chars().take(MOST).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_told_apart_and_programs_show_their_own_words() {
        let chrome = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
        let mobile = "AppleWebKit/605.1.15 (KHTML, like Gecko)";
        for (agent, zh, en) in [
            (
                format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {chrome}"),
                "Chrome · Windows",
                "Chrome · Windows",
            ),
            (
                format!("Mozilla/5.0 (Windows NT 10.0) {chrome} Edg/140.0.0.0"),
                "Edge · Windows",
                "Edge · Windows",
            ),
            (
                format!("Mozilla/5.0 (Linux; Android 15; V2405A) {chrome} MicroMessenger/8.0.60"),
                "微信 · 安卓",
                "WeChat · Android",
            ),
            (
                format!(
                    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) {mobile} Version/18.5 Safari/604.1"
                ),
                "Safari · iPhone",
                "Safari · iPhone",
            ),
            (
                format!("Mozilla/5.0 (Phone; OpenHarmony 5.0) {chrome} ArkWeb/4.1"),
                "Chrome · 鸿蒙",
                "Chrome · HarmonyOS",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0".to_owned(),
                "Firefox · Linux",
                "Firefox · Linux",
            ),
            ("curl/8.5.0".to_owned(), "curl/8.5.0", "curl/8.5.0"),
            (String::new(), "", ""),
        ] {
            assert_eq!(
                (device_name(Lang::Zh, &agent), device_name(Lang::En, &agent)),
                (zh.to_owned(), en.to_owned())
            );
        }
        assert_eq!(device_name(Lang::Zh, &"长".repeat(200)).chars().count(), MOST);
    }
}
