//! The form of one rule, new or known.

use super::super::apply::may_be_mended;
use super::rules::RULES;
use super::{Reach, of_account};
use crate::app::followers::reply::{Reply, TypedReply};
use crate::app::followers::rules::{self, TypedRule};
use crate::error::Answer;
use crate::http::extract::{Authed, Fields, Path};
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::follower::{Matching, Trigger};
use qianpu_domain::ids::{ChannelAccountId, ReplyRuleId};
use qianpu_tenants::authz::{Perm, perm};
use qianpu_tenants::store::reply_rule::ReplyRule;
use serde::Serialize;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/console/merchant/channel_accounts/{channel_account_id}/replies/new", new_reply_page);
    pages.post("/console/merchant/channel_accounts/{channel_account_id}/replies/new", new_reply_form);
    pages.get("/console/merchant/reply_rules/{reply_rule_id}", reply_rule_page);
    pages.post("/console/merchant/reply_rules/{reply_rule_id}", reply_rule_form);
}

#[derive(Serialize)]
struct Choice {
    value: String,
    label: String,
}

#[derive(Serialize)]
struct RuleView {
    form: FormView,
    reach: Reach,
    at: String,
    back: String,
    name: Option<String>,
    delete_at: Option<String>,
    triggers: Vec<&'static str>,
    matchings: Vec<&'static str>,
    products: Vec<Choice>,
}

async fn view<P: Perm, T>(
    auth: &Authed<P, T>,
    account: ChannelAccountId,
    rule: Option<&ReplyRule>,
    form: FormView,
) -> Answer<RuleView> {
    let grant = auth.caller.grant::<perm::FollowerManage>()?;
    let (account, _) = rules::list(&auth.state, &grant, account).await?;
    let products = rules::products(&auth.state, &grant, &account).await?;
    let back = of_account(account.id, "replies");
    Ok(RuleView {
        form,
        reach: Reach::of(&account, "replies"),
        at: rule.map_or_else(|| format!("{back}/new"), |rule| format!("{RULES}/{}", rule.id)),
        back,
        name: rule.map(|rule| rule.name.clone()),
        delete_at: rule.map(|rule| format!("{RULES}/{}/delete", rule.id)),
        triggers: Trigger::ALL.iter().map(|trigger| trigger.as_str()).collect(),
        matchings: Matching::ALL.iter().rev().map(|matching| matching.as_str()).collect(),
        products: products
            .into_iter()
            .map(|product| Choice { value: product.id.to_string(), label: product.title })
            .collect(),
    })
}

fn filled(rule: &ReplyRule) -> FormView {
    let mut values = vec![
        ("name", rule.name.clone()),
        ("trigger", rule.condition.trigger.as_str().to_owned()),
        ("matching", rule.condition.matching.as_str().to_owned()),
        ("words", rule.condition.words.join("\n")),
        ("active", if rule.active { "1" } else { "" }.to_owned()),
    ];
    if let Some(reply) = Reply::read(&rule.answer) {
        values.push(("kind", reply.kind().to_owned()));
        match reply {
            Reply::Text { text } => values.push(("text", text)),
            Reply::Link { title, description, url } => {
                values.extend([("title", title), ("description", description), ("url", url)]);
            }
            Reply::Product { product_id } => values.push(("product_id", product_id)),
        }
    }
    FormView::filled(values)
}

fn typed(fields: &Fields) -> TypedRule {
    let text = |name: &str| fields.text(name).to_owned();
    // Commas of both scripts part words too: people type them.
    let words = fields.text("words").split(['\n', '\r', ',', '，', '、']);
    TypedRule {
        name: text("name"),
        trigger: text("trigger"),
        matching: text("matching"),
        words: words.map(str::to_owned).collect(),
        reply: TypedReply {
            kind: text("kind"),
            text: text("text"),
            title: text("title"),
            description: text("description"),
            url: text("url"),
            product_id: text("product_id"),
        },
        active: fields.ticked("active"),
    }
}

async fn new_reply_page(auth: Authed<perm::FollowerManage, Path<ChannelAccountId>>) -> PageAnswer {
    let first = [("trigger", "keyword"), ("matching", "contains"), ("kind", "text"), ("active", "1")];
    let form = FormView::filled(first.map(|(name, value)| (name, value.to_owned())));
    let view = view(&auth, auth.input.0, None, form).await?;
    auth.page("followers/rule", view)
}

async fn new_reply_form(auth: Authed<perm::FollowerManage, (Path<ChannelAccountId>, Fields)>) -> PageAnswer {
    let (Path(account), fields) = &auth.input;
    match rules::add(&auth.state, &auth.grant, *account, &typed(fields)).await {
        Ok(_) => {
            let back = of_account(*account, "replies");
            Ok(auth.redirect_with(&Flash::success("followers.rule_saved"), &back))
        }
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let view = view(&auth, *account, None, form).await?;
            auth.refused_page("followers/rule", view)
        }
        Err(error) => Err(error),
    }
}

async fn reply_rule_page(auth: Authed<perm::FollowerManage, Path<ReplyRuleId>>) -> PageAnswer {
    let rule = rules::get(&auth.state, &auth.grant, auth.input.0).await?;
    let view = view(&auth, rule.account, Some(&rule), filled(&rule)).await?;
    auth.page("followers/rule", view)
}

async fn reply_rule_form(auth: Authed<perm::FollowerManage, (Path<ReplyRuleId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let rule = rules::get(&auth.state, &auth.grant, *id).await?;
    match rules::change(&auth.state, &auth.grant, *id, None, &typed(fields)).await {
        Ok(rule) => {
            let back = of_account(rule.account, "replies");
            Ok(auth.redirect_with(&Flash::success("followers.rule_saved"), &back))
        }
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let view = view(&auth, rule.account, Some(&rule), form).await?;
            auth.refused_page("followers/rule", view)
        }
        Err(error) => Err(error),
    }
}
