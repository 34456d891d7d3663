//! What a push of a follower leads to, in the transaction that stores the push: the follower, the window for answers,
//! the message, and the answer that a rule gives. So a push that comes twice is answered once.

use super::send;
use qianpu_domain::follower::{Act, FollowerState, choose};
use qianpu_domain::masking::masked;
use qianpu_domain::time::Timestamp;
use qianpu_sdk::{Interaction, Notice};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreResult;
use qianpu_tenants::jobs::job_enqueue;
use qianpu_tenants::store::account_code::code_count;
use qianpu_tenants::store::channel_account::ChannelAccount;
use qianpu_tenants::store::follower::{Follower, follower_ensure, follower_save};
use qianpu_tenants::store::follower_message::{MessageState, NewMessage, message_insert, message_trim};
use qianpu_tenants::store::reply_rule::rule_list;

/// Longest id of a person that is taken.
const LONGEST_ID: usize = 128;
/// Longest text of a person that is kept, in characters.
const LONGEST_KEPT: usize = 600;

fn act(interaction: &Interaction) -> Act<'_> {
    match interaction {
        Interaction::Said { text } => Act::Said(text),
        Interaction::SentOther { .. } => Act::SentOther,
        Interaction::Followed { scene } => Act::Followed(scene.as_deref()),
        Interaction::Left => Act::Left,
        Interaction::Scanned { scene } => Act::Scanned(scene),
        Interaction::Clicked { key } => Act::Clicked(key),
        Interaction::Opened { .. } => Act::Opened,
    }
}

/// Kind and text of the kept message.
fn kept(interaction: &Interaction) -> (&'static str, String) {
    let short = |text: &str| masked(text).chars().take(LONGEST_KEPT).collect::<String>();
    match interaction {
        Interaction::Said { text } => ("text", short(text)),
        Interaction::SentOther { what } => ("other", short(what)),
        Interaction::Followed { scene } => ("followed", short(scene.as_deref().unwrap_or_default())),
        Interaction::Left => ("left", String::new()),
        Interaction::Scanned { scene } => ("scanned", short(scene)),
        Interaction::Clicked { key } => ("clicked", short(key)),
        // Addresses carry what a page makes of them; the path says enough.
        Interaction::Opened { page } => ("opened", short(page.split('?').next().unwrap_or_default())),
    }
}

/// Notes what a follower did; nothing of a notice that is not about one.
pub(crate) async fn note(tx: &mut TenantTx, account: &ChannelAccount, notice: &Notice) -> StoreResult<()> {
    let (Some(interaction), Some(open_id)) = (&notice.interaction, notice.subject_id.as_deref()) else {
        return Ok(());
    };
    if open_id.is_empty() || open_id.len() > LONGEST_ID {
        return Ok(());
    }
    // A time in the future would hold a window open longer than the platform does.
    let at = notice.occurred_at.min(tx.now());
    let act = act(interaction);
    let mut follower = follower_ensure(tx, account.id, open_id, at).await?;
    moved(&mut follower, &act, at);
    follower_save(tx, &follower).await?;
    let (kind, body) = kept(interaction);
    let inbound =
        NewMessage { inbound: true, kind, body: &body, rule: None, by: None, state: MessageState::Received };
    message_insert(tx, &follower, &inbound).await?;
    match &act {
        Act::Scanned(scene) => code_count(tx, account.id, scene, false).await?,
        Act::Followed(Some(scene)) => code_count(tx, account.id, scene, true).await?,
        _ => {}
    }
    let rules = rule_list(tx, account.id).await?;
    let active: Vec<_> = rules.into_iter().filter(|rule| rule.active).collect();
    if let Some(rule) = choose(&active, |rule| &rule.condition, &act) {
        let answer = NewMessage {
            inbound: false,
            kind: rule.answer["kind"].as_str().unwrap_or_default(),
            body: &rule.answer.to_string(),
            rule: Some(rule.id),
            by: None,
            state: MessageState::Waiting,
        };
        let message = message_insert(tx, &follower, &answer).await?;
        job_enqueue(tx, send::new_job(message.id)).await?;
    }
    message_trim(tx, follower.id).await
}

/// The follower after the act. Pushes come in any order: what is older than the last coming or going changes nothing
/// of it.
fn moved(follower: &mut Follower, act: &Act<'_>, at: Timestamp) {
    let last = follower.followed_at.max(follower.left_at);
    let newest = last.is_none_or(|last| at >= last);
    match act {
        Act::Followed(scene) if newest => {
            follower.state = FollowerState::Following;
            follower.followed_at = Some(at);
            follower.scene = scene.map(|scene| scene.chars().take(LONGEST_ID).collect());
        }
        Act::Left if newest => {
            follower.state = FollowerState::Left;
            follower.left_at = Some(at);
            follower.windows = follower.windows.closed();
        }
        _ => {}
    }
    if let Some(opening) = act.opens()
        && (follower.state == FollowerState::Following)
    {
        follower.windows = follower.windows.opened(opening, at);
    }
    follower.last_seen_at = follower.last_seen_at.max(at);
}
