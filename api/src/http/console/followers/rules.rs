//! The rules of an account, in their order.

use super::{Reach, of_account};
use crate::app::followers::reply::Reply;
use crate::app::followers::rules;
use crate::http::extract::{Authed, Fields, Path};
use crate::http::route::PageRoutes;
use crate::pages::Flash;
use crate::pages::respond::PageAnswer;
use qianpu_domain::access::Permission;
use qianpu_domain::ids::{ChannelAccountId, ReplyRuleId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::reply_rule::ReplyRule;
use serde::Serialize;

pub(super) const RULES: &str = "/console/merchant/reply_rules";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/console/merchant/channel_accounts/{channel_account_id}/replies", reply_rules_page);
    pages.post("/console/merchant/reply_rules/{reply_rule_id}/raise", raise_reply_form);
    pages.post("/console/merchant/reply_rules/{reply_rule_id}/delete", delete_reply_form);
}

#[derive(Serialize)]
struct RuleRow {
    href: String,
    name: String,
    trigger: &'static str,
    matching: &'static str,
    words: Vec<String>,
    kind: &'static str,
    text: String,
    active: bool,
    answered: i64,
    first: bool,
}

#[derive(Serialize)]
struct RulesView {
    reach: Reach,
    add: String,
    rules: Vec<RuleRow>,
    may_manage: bool,
}

fn row((index, rule): (usize, ReplyRule)) -> RuleRow {
    let reply = Reply::read(&rule.answer);
    let (kind, text) = match reply {
        Some(Reply::Text { text }) => ("text", text),
        Some(Reply::Link { title, .. }) => ("link", title),
        Some(Reply::Product { .. }) | None => ("product", String::new()),
    };
    RuleRow {
        href: format!("{RULES}/{}", rule.id),
        name: rule.name,
        trigger: rule.condition.trigger.as_str(),
        matching: rule.condition.matching.as_str(),
        words: rule.condition.words,
        kind,
        text,
        active: rule.active,
        answered: rule.answered,
        first: index == 0,
    }
}

async fn reply_rules_page(auth: Authed<perm::FollowerRead, Path<ChannelAccountId>>) -> PageAnswer {
    let (account, found) = rules::list(&auth.state, &auth.grant, auth.input.0).await?;
    let view = RulesView {
        reach: Reach::of(&account, "replies"),
        add: of_account(account.id, "replies/new"),
        rules: found.into_iter().enumerate().map(row).collect(),
        may_manage: auth.caller.may(Permission::FollowerManage),
    };
    auth.page("followers/rules", view)
}

async fn raise_reply_form(auth: Authed<perm::FollowerManage, (Path<ReplyRuleId>, Fields)>) -> PageAnswer {
    let (Path(id), _) = &auth.input;
    let (account, _) = rules::raise(&auth.state, &auth.grant, *id).await?;
    Ok(auth.redirect(&of_account(account.id, "replies")))
}

async fn delete_reply_form(auth: Authed<perm::FollowerManage, (Path<ReplyRuleId>, Fields)>) -> PageAnswer {
    let (Path(id), _) = &auth.input;
    let account = rules::delete(&auth.state, &auth.grant, *id).await?;
    Ok(auth.redirect_with(&Flash::success("followers.rule_deleted"), &of_account(account, "replies")))
}
