//! The forms that authors in other languages read in docs/plugins/interface.md are the types of the sdk, field by field.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops by panicking")]

use qianpu_sdk::bridge::{AuthorisationForm, AuthorisedAccountForm};
use qianpu_sdk::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;

const PAGE: &str = include_str!("../../../docs/plugins/interface.md");

/// Examples by the name of their type, which stands behind the language of a block.
fn examples() -> BTreeMap<&'static str, Value> {
    let example = |block: &'static str| {
        let (name, rest) = block.split_once('\n').unwrap();
        let (text, _) = rest.split_once("\n```").unwrap();
        (name, serde_json::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}")))
    };
    PAGE.split("\n```json ").skip(1).map(example).collect()
}

/// What is read and written again is the same: no field is missing in the example, and none is too many.
#[track_caller]
fn same<T: DeserializeOwned + Serialize>(examples: &mut BTreeMap<&'static str, Value>, name: &str) {
    let written = examples.remove(name).unwrap_or_else(|| panic!("there is no example of {name}"));
    let read: T = serde_json::from_value(written.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(serde_json::to_value(&read).unwrap(), written, "{name}");
}

#[test]
fn examples_have_every_field_of_their_type() {
    let mut examples = examples();
    same::<Notice>(&mut examples, "Notice");
    same::<LinkRequest>(&mut examples, "LinkRequest");
    same::<LinkInvitation>(&mut examples, "LinkInvitation");
    same::<AuthorisationForm>(&mut examples, "AuthorisationForm");
    same::<AuthorisedAccountForm>(&mut examples, "AuthorisedAccountForm");
    same::<AccountProfile>(&mut examples, "AccountProfile");
    same::<ShowcaseRef>(&mut examples, "ShowcaseRef");
    same::<ShowcaseItem>(&mut examples, "ShowcaseItem");
    same::<LiveNow>(&mut examples, "LiveNow");
    same::<LiveDay>(&mut examples, "LiveDay");
    same::<LiveSessions>(&mut examples, "LiveSessions");
    same::<DayFigures>(&mut examples, "DayFigures");
    same::<ProductOfDay>(&mut examples, "ProductOfDay");
    same::<ProductsOfDay>(&mut examples, "ProductsOfDay");
    same::<PeopleOfDay>(&mut examples, "PeopleOfDay");
    same::<PeopleFigures>(&mut examples, "PeopleFigures");
    same::<AllianceQuery>(&mut examples, "AllianceQuery");
    same::<PromoterName>(&mut examples, "PromoterName");
    same::<Promoter>(&mut examples, "Promoter");
    same::<PromotedQuery>(&mut examples, "PromotedQuery");
    same::<PromotedProduct>(&mut examples, "PromotedProduct");
    same::<AllianceProduct>(&mut examples, "AllianceProduct");
    same::<PlansQuery>(&mut examples, "PlansQuery");
    same::<PromotionPlan>(&mut examples, "PromotionPlan");
    same::<PlanRef>(&mut examples, "PlanRef");
    same::<PlanTerms>(&mut examples, "PlanTerms");
    same::<PlanPromotersQuery>(&mut examples, "PlanPromotersQuery");
    same::<PlanPromoter>(&mut examples, "PlanPromoter");
    same::<PromoterBlock>(&mut examples, "PromoterBlock");
    same::<PlanChange>(&mut examples, "PlanChange");
    same::<AllianceAddition>(&mut examples, "AllianceAddition");
    same::<AllianceAdded>(&mut examples, "AllianceAdded");
    same::<LeadForm>(&mut examples, "LeadForm");
    same::<Lead>(&mut examples, "Lead");
    assert!(examples.is_empty(), "no type is tried for {:?}", examples.keys());
}

#[test]
fn every_kind_of_notice_is_listed() {
    for kind in NoticeKind::KNOWN {
        assert!(PAGE.contains(&format!("`{}`", kind.as_str())), "{} is not on the page", kind.as_str());
    }
}
