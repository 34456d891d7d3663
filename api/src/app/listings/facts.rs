//! What the platform says about a product, as a fact our rules understand.

use qianpu_domain::listing::{ListingFact, SentVersion};
use qianpu_sdk::{AuditState, ListingState, RemoteListing, WithdrawnReason};

/// The fact in an answer; `None` while the platform is still writing, or says something we do not know.
pub fn of(remote: &RemoteListing) -> Option<ListingFact> {
    let words = |fallback: &str| remote.reason.clone().unwrap_or_else(|| fallback.to_owned());
    Some(match &remote.state {
        ListingState::Publishing | ListingState::Unknown(_) => return None,
        ListingState::InAudit => ListingFact::InAudit,
        ListingState::Refused => ListingFact::Refused { reason: words("平台未说明原因") },
        ListingState::Listed => ListingFact::Listed {
            sent: match &remote.audit {
                AuditState::Approved | AuditState::None => SentVersion::Accepted,
                AuditState::Refused | AuditState::WriteFailed => {
                    SentVersion::Refused { reason: words("平台未说明原因") }
                }
                AuditState::Editing | AuditState::Pending | AuditState::Writing | AuditState::Unknown(_) => {
                    SentVersion::InAudit
                }
            },
        },
        ListingState::Delisted => ListingFact::Delisted { reason: remote.reason.clone() },
        ListingState::Withdrawn(why) => ListingFact::Delisted { reason: Some(words(withdrawn(*why))) },
        ListingState::Deleted => {
            ListingFact::Delisted { reason: Some("商品在平台上已被删除".to_owned()) }
        }
    })
}

fn withdrawn(why: WithdrawnReason) -> &'static str {
    match why {
        WithdrawnReason::Violation => "平台下架：违规或风控",
        WithdrawnReason::DepositShort => "平台下架：店铺保证金不足",
        WithdrawnReason::BrandExpired => "平台下架：品牌授权过期",
        WithdrawnReason::Banned => "平台封禁",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qianpu_sdk::ShelfState;
    use std::collections::BTreeMap;

    #[test]
    fn answers_become_facts() {
        let remote = |state, audit, reason: Option<&str>| RemoteListing {
            product_id: "1".into(),
            out_product_id: None,
            skus: BTreeMap::new(),
            state,
            shelf: ShelfState::On,
            audit,
            reason: reason.map(str::to_owned),
            native: String::new(),
            shown: None,
        };
        let refused = |reason: &str| ListingFact::Refused { reason: reason.into() };
        for (state, audit, reason, expected) in [
            (ListingState::Publishing, AuditState::Writing, None, None),
            (ListingState::Unknown("7".into()), AuditState::None, None, None),
            (ListingState::InAudit, AuditState::Pending, None, Some(ListingFact::InAudit)),
            (ListingState::Refused, AuditState::Refused, Some("图片不清晰"), Some(refused("图片不清晰"))),
            (
                ListingState::Listed,
                AuditState::Approved,
                None,
                Some(ListingFact::Listed { sent: SentVersion::Accepted }),
            ),
            (
                ListingState::Listed,
                AuditState::Pending,
                None,
                Some(ListingFact::Listed { sent: SentVersion::InAudit }),
            ),
            (
                ListingState::Withdrawn(WithdrawnReason::DepositShort),
                AuditState::Approved,
                None,
                Some(ListingFact::Delisted { reason: Some("平台下架：店铺保证金不足".into()) }),
            ),
        ] {
            assert_eq!(of(&remote(state.clone(), audit, reason)), expected, "{state:?}");
        }
    }
}
