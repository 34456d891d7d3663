use super::*;
use crate::shop::ShopState;
use uuid::Uuid;

fn tenant(n: u128) -> TenantId {
    TenantId(Uuid::from_u128(n))
}
fn at(day: &str) -> Timestamp {
    format!("{day}T00:00:00+08:00").parse().unwrap()
}
fn pairs(text: &str) -> Vec<(String, String)> {
    text.split_whitespace()
        .map(|pair| pair.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned())).unwrap())
        .collect()
}
fn row(id: &str, scope: PolicyScope, params: &str, from: &str, to: Option<&str>) -> PolicyRule {
    PolicyRule {
        id: RuleId(id.into()),
        scope,
        params: parse(PolicyKind::LinkQuota, &pairs(params)).unwrap(),
        effective_from: at(from),
        effective_to: to.map(at),
    }
}

#[test]
fn the_narrowest_row_that_holds_wins() {
    let (provider, merchant) = (tenant(1), tenant(2));
    let mut rules = defaults();
    rules.extend([
        row("provider", PolicyScope::Provider(provider), "personal.*=2", "2026-01-01", Some("2026-02-01")),
        row(
            "provider later",
            PolicyScope::Provider(provider),
            "personal.*=3",
            "2026-01-15",
            Some("2026-02-01"),
        ),
        row("merchant", PolicyScope::Merchant(merchant), "personal.*=9", "2026-01-20", Some("2026-01-21")),
        row("stranger", PolicyScope::Merchant(tenant(3)), "personal.*=99", "2020-01-01", None),
        row("other provider", PolicyScope::Provider(tenant(4)), "personal.*=99", "2020-01-01", None),
    ]);
    for (day, expected) in [
        ("2024-08-24", Err("policy_missing")),
        ("2024-08-25", Ok("policy/link_quota/platform/2024-08-25")),
        ("2026-01-01", Ok("provider")),
        ("2026-01-15", Ok("provider later")),
        ("2026-01-20", Ok("merchant")),
        ("2026-01-21", Ok("provider later")),
        ("2026-02-01", Ok("policy/link_quota/platform/2024-08-25")),
    ] {
        let got = resolve(&rules, PolicyKind::LinkQuota, provider, merchant, at(day));
        let got = got.map(|rule| rule.id.0.as_str()).map_err(|error| error.code().as_str());
        assert_eq!(got, expected, "{day}");
    }
}

#[test]
fn links() {
    let rules = defaults();
    let rule = resolve(&rules, PolicyKind::LinkQuota, tenant(1), tenant(2), at("2026-11-21")).unwrap();
    let id = "policy/link_quota/platform/2024-08-25";
    for (existing, subject, shop, expected) in [
        (0, SubjectKind::Enterprise, ShopState::Trading, Ok((0, 5))),
        (4, SubjectKind::Enterprise, ShopState::Trading, Ok((4, 5))),
        (5, SubjectKind::Enterprise, ShopState::Trading, Err(("link_quota_full", id))),
        (7, SubjectKind::Enterprise, ShopState::Trading, Err(("link_quota_full", id))),
        (0, SubjectKind::Personal, ShopState::Trading, Ok((0, 1))),
        (1, SubjectKind::IndividualBusiness, ShopState::Trading, Err(("link_quota_full", id))),
        (0, SubjectKind::Enterprise, ShopState::Opened, Err(("link_needs_trading", "link.needs_trading"))),
        (9, SubjectKind::Enterprise, ShopState::Suspended, Err(("link_needs_trading", "link.needs_trading"))),
    ] {
        let got = decide_link(existing, subject, "official_account", shop, rule, None);
        let got = got
            .as_ref()
            .map(|quota| (quota.used, quota.limit))
            .map_err(|refusal| (refusal.code().as_str(), refusal.rule().unwrap_or_default()));
        assert_eq!(got, expected, "{existing} {subject} {shop}");
    }
}

#[test]
fn a_raise_is_for_enterprises_and_never_lowers() {
    let rules = defaults();
    let rule = resolve(&rules, PolicyKind::LinkQuota, tenant(1), tenant(2), at("2026-11-21")).unwrap();
    let raise = resolve(&rules, PolicyKind::LinkQuotaRaise, tenant(1), tenant(2), at("2026-11-21")).unwrap();
    let limit = raise_terms(raise).unwrap().limit;
    let raise = Raise { limit, rule: raise.id.clone() };
    let decide = |existing, subject, rule: &PolicyRule| {
        decide_link(existing, subject, "official_account", ShopState::Trading, rule, Some(&raise))
            .map(|quota| (quota.limit, quota.usual, quota.rule.0))
            .map_err(|refusal| refusal.rule().unwrap_or_default().to_owned())
    };
    let id = "policy/link_quota_raise/platform/2024-08-25";
    assert_eq!(decide(9, SubjectKind::Enterprise, rule), Ok((10, 5, id.to_owned())));
    assert_eq!(decide(10, SubjectKind::Enterprise, rule), Err(id.to_owned()));
    assert_eq!(
        decide(1, SubjectKind::Personal, rule),
        Err("policy/link_quota/platform/2024-08-25".to_owned())
    );
    let wider = row("wider", PolicyScope::Platform, "enterprise.*=12", "2026-01-01", None);
    assert_eq!(decide(10, SubjectKind::Enterprise, &wider), Ok((12, 12, "wider".to_owned())));
    let none = row("none", PolicyScope::Platform, "enterprise.official_account=0", "2026-01-01", None);
    assert_eq!(decide(0, SubjectKind::Enterprise, &none), Err("none".to_owned()));
}

#[test]
fn parameters_are_read_strictly_and_written_back() {
    use PolicyKind::*;
    for (kind, text, good) in [
        (LinkQuota, "enterprise.*=5 personal.official_account=0", true),
        (LinkQuota, "enterprise=5", false),
        (LinkQuota, "company.*=5", false),
        (LinkQuota, "enterprise.*=-1", false),
        (LinkQuota, "enterprise.*=1e3", false),
        (LinkQuotaRaise, "days=30 score=460 each_day=1 limit=10 grace_days=7", true),
        (LinkQuotaRaise, "days=0 score=460 each_day=1 limit=10 grace_days=7", false),
        (LinkQuotaRaise, "days=30 score=99 each_day=1 limit=10 grace_days=7", false),
        (LinkQuotaRaise, "days=30 score=501 each_day=1 limit=10 grace_days=7", false),
        (LinkQuotaRaise, "days=30 score=460 each_day=2 limit=10 grace_days=7", false),
        (StockHold, "minutes=15", true),
        (StockHold, "minutes=0", false),
        (StockHold, "minutes=15 hours=1", false),
        (StockHold, "", false),
        (TakeRate, "rate_ppm=20000 tax_ppm=60000", true),
        (TakeRate, "rate_ppm=1000001 tax_ppm=0", false),
        (TakeRate, "rate_ppm=+2 tax_ppm=0", false),
        (DepositTrial, "days=30 gmv_fen=1000000 orders=100", true),
        (DepositTrial, "days=30 gmv_fen=1000000 orders=10001", false),
        (DepositTrial, "days=30 gmv_fen=-1 orders=100", false),
        (AfterSaleWindow, "days=7 days=8", false),
        (InvoiceDue, "days=7", true),
        (InvoiceDue, "days=366", false),
        (DepositAppeal, "days=0", true),
        (DepositAppeal, "days=91", false),
        (PlanChange, "interval_now=0 up_now=1 same_now=0 down_now=0 self_service=1", true),
        (PlanChange, "interval_now=0 up_now=2 same_now=0 down_now=0 self_service=1", false),
        (PlanChange, "up_now=1", false),
    ] {
        let got = parse(kind, &pairs(text));
        assert_eq!(got.is_ok(), good, "{kind} {text}: {got:?}");
        if let Ok(params) = got {
            assert_eq!(parse(kind, &params.to_pairs()), Ok(params), "{kind} {text}");
        }
    }
    let with_own = parse(LinkQuota, &pairs("enterprise.*=5 enterprise.shop=2")).unwrap();
    let PolicyParams::LinkQuota(limits) = with_own else { panic!("another kind") };
    assert_eq!(limits.limit(SubjectKind::Enterprise, "shop"), 2);
    assert_eq!(limits.limit(SubjectKind::Enterprise, "official_account"), 5);
    assert_eq!(limits.limit(SubjectKind::Personal, "shop"), 0);
}

#[test]
fn every_kind_has_a_default() {
    // How often anybody may ask is a matter of the machines, so the installation's configuration has that default.
    for kind in PolicyKind::ALL.iter().filter(|kind| **kind != PolicyKind::RequestRate) {
        assert!(resolve(&defaults(), *kind, tenant(1), tenant(2), at("2026-11-21")).is_ok(), "{kind}");
    }
}
