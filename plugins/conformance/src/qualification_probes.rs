//! Operations of categories and brands under one type, with ordinary input.

use crate::probes::{NOW, Probe, json, opaque};
use qianpu_domain::time::Span;
use qianpu_sdk::{
    BrandApplication, BrandName, BrandRight, BrandWish, CategoryWish, Channel, SentDocuments, Trademark,
    Validity,
};

pub(crate) fn probes(channel: &dyn Channel) -> Vec<Probe<'_>> {
    let mut probes: Vec<Probe<'_>> = Vec::new();
    let Some(it) = channel.qualifications() else { return probes };
    macro_rules! probe {
        ($name:literal, $start:expr, $resume:expr) => {
            probes.push(Probe { name: $name, start: Box::new($start), resume: Box::new($resume) })
        };
    }
    let documents = vec!["med_1".to_owned(), "med_2".to_owned()];
    probe!("qualification.send", move |c| json(it.send_documents(c, &documents), |_| false), |c, s, a| json(
        it.resume_send_documents(c, s, a),
        |_| false
    ));
    probe!("category.approved", |c| json(it.approved_categories(c), |_| false), |c, s, a| json(
        it.resume_approved_categories(c, s, a),
        |_| false
    ));
    probe!("category.search", |c| json(it.search_categories(c, "茶"), |_| false), |c, s, a| json(
        it.resume_search_categories(c, s, a),
        |_| false
    ));
    probe!("category.terms", |c| json(it.category_terms(c, "2011"), |_| false), |c, s, a| json(
        it.resume_category_terms(c, s, a),
        |_| false
    ));
    let wanted = CategoryWish {
        path: vec!["2000".to_owned(), "2010".to_owned(), "2011".to_owned()],
        documents: vec![SentDocuments { kind: "certificate".to_owned(), ids: vec!["f1".to_owned()] }],
        elsewhere: None,
        brand_ids: Vec::new(),
    };
    probe!("category.apply", move |c| json(it.apply_for_category(c, &wanted), |_| false), |c, s, a| json(
        it.resume_apply_for_category(c, s, a),
        |_| false
    ));
    probe!("category.application", |c| json(it.category_application(c, "9001"), |_| false), |c, s, a| json(
        it.resume_category_application(c, s, a),
        |_| false
    ));
    probe!("category.withdraw", |c| opaque(it.withdraw_category(c, "9001")), |c, s, a| opaque(
        it.resume_withdraw_category(c, s, a)
    ));
    probe!("brand.list", |c| json(it.brands(c, None), |_| false), |c, s, a| json(
        it.resume_brands(c, s, a),
        |_| false
    ));
    probe!("brand.fetch", |c| json(it.brand(c, "10000531"), |_| false), |c, s, a| json(
        it.resume_brand(c, s, a),
        |_| false
    ));
    probe!("brand.known", |c| json(it.known_brands(c, None), |_| false), |c, s, a| json(
        it.resume_known_brands(c, s, a),
        |_| false
    ));
    let name =
        BrandName { brand_id: "10000531".to_owned(), name_zh: "山前".to_owned(), name_en: String::new() };
    let wanted = BrandWish {
        name,
        class: 30,
        mark: Trademark::Registered {
            registrant: "山前茶业".to_owned(),
            number: "1234567".to_owned(),
            valid: Some(Validity { from: NOW.minus(Span::days(30)), until: NOW.plus(Span::days(3_000)) }),
            certificates: vec!["f1".to_owned()],
            renewals: Vec::new(),
        },
        right: BrandRight::Own,
    };
    probe!("brand.apply", move |c| json(it.apply_for_brand(c, &wanted), |_| false), |c, s, a| json(
        it.resume_apply_for_brand(c, s, a),
        |_| false
    ));
    let wanted = BrandApplication { brand_id: "10000531".to_owned(), application_id: "9002".to_owned() };
    probe!("brand.withdraw", move |c| opaque(it.withdraw_brand(c, &wanted)), |c, s, a| opaque(
        it.resume_withdraw_brand(c, s, a)
    ));
    probe!("brand.delete", |c| opaque(it.delete_brand(c, "10000531")), |c, s, a| opaque(
        it.resume_delete_brand(c, s, a)
    ));
    probes
}
