//! What is told about linked accounts: the raised quota, and kinds of accounts that end.

use super::supervision::{Notice, RUNNERS, same, tell_merchant};
use crate::app::channels::raise::Beyond;
use crate::error::Answer;
use crate::state::AppState;
use qianpu_domain::policy::{Phase, RaiseProgress, RaiseTerms, RaiseTurn};
use qianpu_domain::score::shown;
use qianpu_domain::time::Date;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::store::shop::Shop;

const ACCOUNTS: &str = "/console/merchant/channel_accounts";

/// The name of a kind of account in both languages.
fn kind_name(code: &str) -> (&str, &str) {
    let mut kinds = qianpu_host::channels().into_iter().flat_map(|channel| channel.info().kinds);
    kinds.find(|kind| kind.code == code).map_or((code, code), |kind| (kind.name_zh, kind.name_en))
}

/// The raise was reached, is about to end, is safe again, or has ended; with what that means for accounts beyond the
/// usual quota.
pub(in crate::app) async fn link_quota_turned(
    state: &AppState,
    tx: &mut TenantTx,
    shop: &Shop,
    turn: RaiseTurn,
    (terms, progress): (&RaiseTerms, &RaiseProgress),
    over: &[Beyond],
) -> Answer<()> {
    let texts = match turn {
        RaiseTurn::Reached => "channels.mail_raised.",
        RaiseTurn::Falling(_) => "channels.mail_falling.",
        RaiseTurn::Recovered => "channels.mail_recovered.",
        RaiseTurn::Fell => "channels.mail_fell.",
    };
    let mut arguments = vec![
        ("shop", same(&shop.name)),
        ("limit", same(&terms.limit.to_string())),
        ("days", same(&terms.days.to_string())),
        ("needed", same(&shown(terms.score))),
        ("score", same(&progress.score.map_or_else(|| "—".to_owned(), shown))),
    ];
    if let RaiseTurn::Falling(end) = turn {
        arguments.push(("day", same(&end.to_string())));
    }
    let points = over
        .iter()
        .map(|over| {
            let ((zh, en), used, usual) = (kind_name(over.kind), over.used, over.usual);
            (
                format!("{zh}：已关联 {used} 个，通常上限 {usual} 个"),
                format!("{en}: {used} linked, usual limit {usual}"),
            )
        })
        .collect();
    let notice = Notice { texts, arguments, points, path: ACCOUNTS.to_owned() };
    tell_merchant(state, tx, RUNNERS, &notice).await
}

fn kind_notice(texts: &'static str, kind: &str, day: Option<Date>, accounts: &[&str]) -> Notice {
    let (zh, en) = kind_name(kind);
    let mut arguments = vec![("kind", (zh.to_owned(), en.to_owned()))];
    arguments.extend(day.map(|day| ("day", same(&day.to_string()))));
    let points = accounts.iter().map(|name| same(name)).collect();
    Notice { texts, arguments, points, path: ACCOUNTS.to_owned() }
}

/// A kind of account is no longer linked, or switched off, from a day on.
pub(in crate::app) async fn kind_changes_on(
    state: &AppState,
    tx: &mut TenantTx,
    kind: &str,
    phase: Phase,
    day: Date,
    accounts: &[&str],
) -> Answer<()> {
    let texts = if phase == Phase::Off { "channels.mail_kind_ends." } else { "channels.mail_kind_closes." };
    tell_merchant(state, tx, RUNNERS, &kind_notice(texts, kind, Some(day), accounts)).await
}

/// A kind of account was switched off, and with it the accounts of the merchant.
pub(in crate::app) async fn kind_switched_off(
    state: &AppState,
    tx: &mut TenantTx,
    kind: &str,
    accounts: &[&str],
) -> Answer<()> {
    tell_merchant(state, tx, RUNNERS, &kind_notice("channels.mail_kind_off.", kind, None, accounts)).await
}
