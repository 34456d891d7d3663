//! Who the channel says it is.

use crate::Report;
use qianpu_sdk::Channel;

pub(crate) fn check(channel: &dyn Channel, report: &mut Report<'_>) {
    const RULE: &str = "info";
    let info = channel.info();
    let plain = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
    };
    report.must(RULE, plain(info.slug) && !info.slug.contains('_'), || format!("the slug is {}", info.slug));
    report
        .must(RULE, !info.name_en.is_empty() && !info.name_zh.is_empty(), || "a name is missing".to_owned());
    report.must(RULE, !info.kinds.is_empty(), || "there is no kind of account".to_owned());
    report.must(RULE, !info.link_modes.is_empty(), || "there is no way of linking".to_owned());
    for kind in info.kinds {
        let named = plain(kind.code) && !kind.name_en.is_empty() && !kind.name_zh.is_empty();
        report.must(RULE, named, || format!("the kind {} is not named well", kind.code));
    }
    let unique = |names: Vec<&str>| {
        names.iter().enumerate().all(|(index, name)| !names.iter().take(index).any(|earlier| earlier == name))
    };
    report.must(RULE, unique(info.kinds.iter().map(|kind| kind.code).collect()), || {
        "a kind is listed twice".to_owned()
    });
    report.must(RULE, unique(info.hosts.iter().map(|host| host.name).collect()), || {
        "a host is named twice".to_owned()
    });
    report.must(RULE, unique(info.buckets.iter().map(|b| b.name).collect()), || {
        "a bucket is named twice".to_owned()
    });
    for host in info.hosts {
        let safe = host.base_url.starts_with("https://") && !host.base_url.ends_with('/');
        report.must(RULE, safe, || format!("the base URL {} is not plain https", host.base_url));
    }
    for bucket in info.buckets {
        report.must(RULE, bucket.per_minute > 0 && bucket.burst > 0, || {
            format!("the bucket {} is empty", bucket.name)
        });
    }
    for mode in info.link_modes {
        if channel.webhook().is_some() {
            report.must(RULE, !info.formats(*mode).is_empty(), || {
                format!("no push format for {}", mode.as_str())
            });
        }
        let possible = if mode.through_app() { channel.app().is_some() } else { channel.account().is_some() };
        report.must(RULE, possible, || format!("no capability for linking by {}", mode.as_str()));
    }
}
