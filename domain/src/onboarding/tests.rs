use super::*;
use crate::ids::MediaId;
use uuid::Uuid;

const V1: &str = "2026-11";
const V2: &str = "2026-12";

fn now() -> Timestamp {
    "2026-11-21T03:00:00Z".parse().unwrap()
}
fn user(n: u128) -> UserId {
    UserId(Uuid::from_u128(n))
}
fn version(word: &str) -> AgreementVersion {
    AgreementVersion { version: word.into(), sha256: format!("{word}-hash") }
}

/// One move, with the shortest words that name it.
#[derive(Clone, Copy, Debug)]
enum Do {
    Subject(SubjectKind),
    Attach(&'static str),
    Shop(&'static str),
    Sign(&'static str),
    Submit,
    Resubmit,
    Review,
    Accept(&'static str),
    ReturnDocument(&'static str),
    Waive(&'static str),
    Approve(&'static str),
    Return(&'static str),
    Reject(&'static str),
}

fn step(application: &Application, action: Do) -> Result<ApplicationDecision, OnboardingError> {
    let requirements = Requirement::defaults();
    match action {
        Do::Subject(kind) => {
            let command = SaveSubject {
                kind,
                legal_name: "福州山里茶业有限公司".into(),
                credit_code: Some("91350100M000100Y43".into()),
                id_card: "11010519491231002X".into(),
                contact_name: "林茶".into(),
                contact_phone: "13800000000".into(),
            };
            save_subject(application, &requirements, command, now())
        }
        Do::Attach(code) => {
            attach_document(application, &requirements, code, MediaId(Uuid::from_u128(9)), None, now())
        }
        Do::Shop(name) => {
            let command = SaveShop {
                name: name.into(),
                category: CategoryId(Uuid::from_u128(3)),
                registered_brands: vec!["Acme".into()],
                authorised_brands: vec![],
            };
            save_shop(application, &requirements, &command)
        }
        Do::Sign(word) => sign_agreement(application, version(word), &version(V1), user(1), now()),
        Do::Submit => submit(application, &requirements, now()),
        Do::Resubmit => resubmit(application, &requirements, now()),
        Do::Review => start_review(application, user(2)),
        Do::Accept(code) => accept_document(application, code),
        Do::ReturnDocument(code) => return_document(application, code, "看不清"),
        Do::Waive(code) => waive_document(application, code, user(2)),
        Do::Approve(word) => approve(application, &requirements, &version(word), now()),
        Do::Return("") => return_with_reasons(application, vec![], now()),
        Do::Return(text) => {
            let reason = ReturnReason { step: Step::Documents, text: text.into() };
            return_with_reasons(application, vec![reason], now())
        }
        Do::Reject(reason) => reject(application, reason, now()),
    }
}

/// Runs the moves; all but the last must succeed. Answers "state @ step" or the code of the refusal.
fn check(moves: &[Do], expected: &str) {
    let mut application = Application::start();
    for (index, action) in moves.iter().enumerate() {
        match step(&application, *action) {
            Ok(decision) => application = decision.application,
            Err(error) => {
                assert_eq!(index + 1, moves.len(), "{action:?} of {moves:?} failed early: {error}");
                assert_eq!(error.code().as_str(), expected, "{moves:?}: {error}");
                return;
            }
        }
    }
    assert_eq!(format!("{} @ {}", application.state, application.step), expected, "{moves:?}");
}

const PERSONAL: Do = Do::Subject(SubjectKind::Personal);
const ENTERPRISE: Do = Do::Subject(SubjectKind::Enterprise);
const CARD: Do = Do::Attach("id_card");
const LICENCE: Do = Do::Attach("business_license");
const SHOP: Do = Do::Shop("山里茶铺");
const SIGN: Do = Do::Sign(V1);

#[test]
fn the_wizard_moves_on_step_by_step_and_resumes() {
    check(&[PERSONAL], "draft @ documents");
    check(&[PERSONAL, CARD], "draft @ shop");
    check(&[ENTERPRISE, CARD], "draft @ documents");
    check(&[ENTERPRISE, CARD, LICENCE], "draft @ shop");
    check(&[PERSONAL, CARD, SHOP], "draft @ agreement");
    check(&[PERSONAL, CARD, SHOP, SIGN, Do::Submit], "submitted @ agreement");

    let requirements = Requirement::defaults();
    let mut application = Application::start();
    assert_eq!(application.resume_at(&requirements), Step::Subject);
    for (action, at) in [
        (SHOP, Step::Subject),
        (ENTERPRISE, Step::Documents),
        (LICENCE, Step::Documents),
        (CARD, Step::Agreement),
    ] {
        application = step(&application, action).unwrap().application;
        assert_eq!(application.resume_at(&requirements), at, "{action:?}");
    }
}

#[test]
fn refusals() {
    check(&[Do::Submit], "application_incomplete");
    check(&[PERSONAL, SHOP, SIGN, Do::Submit], "application_incomplete");
    check(&[PERSONAL, CARD, SHOP, Do::Submit], "application_incomplete");
    check(&[PERSONAL, LICENCE], "document_not_required");
    check(&[CARD], "application_incomplete");
    check(&[Do::Shop("🍵🍵")], "invalid_field");
    check(&[Do::Shop("Acme 专卖")], "invalid_field");
    check(&[Do::Sign(V2)], "agreement_outdated");
    check(&[Do::Review], "application_wrong_state");
    let done = [PERSONAL, CARD, SHOP, SIGN, Do::Submit];
    let after = |more: &[Do]| [&done[..], more].concat();
    check(&after(&[Do::Submit]), "application_wrong_state");
    check(&after(&[PERSONAL]), "application_wrong_state");
    check(&after(&[Do::Approve(V1)]), "application_wrong_state");
    check(&after(&[Do::Review, Do::Return("")]), "reason_missing");
    check(&after(&[Do::Review, Do::Return("  ")]), "reason_missing");
    check(&after(&[Do::Review, Do::Reject(" ")]), "reason_missing");
    check(&after(&[Do::Review, Do::ReturnDocument("id_card"), Do::Approve(V1)]), "documents_open");
    check(&after(&[Do::Review, Do::Reject("禁售"), Do::Resubmit]), "application_wrong_state");
    check(
        &after(&[Do::Review, Do::ReturnDocument("id_card"), Do::Return("换"), Do::Resubmit]),
        "application_incomplete",
    );
}

#[test]
fn review() {
    let done = [PERSONAL, CARD, SHOP, SIGN, Do::Submit, Do::Review];
    let after = |more: &[Do]| [&done[..], more].concat();
    check(&after(&[Do::Approve(V1)]), "agreement_signed @ agreement");
    check(&after(&[Do::Accept("id_card"), Do::Approve(V1)]), "agreement_signed @ agreement");
    check(
        &after(&[Do::ReturnDocument("id_card"), Do::Waive("id_card"), Do::Approve(V1)]),
        "agreement_signed @ agreement",
    );
    // The agreement changed between signing and approval: asked again.
    check(&after(&[Do::Approve(V2)]), "approved @ agreement");
    check(&after(&[Do::Approve(V2), SIGN]), "agreement_signed @ agreement");
    check(&after(&[Do::Reject("禁售类目")]), "rejected @ agreement");
    check(&after(&[Do::Return("照片不清楚")]), "returned @ documents");
    check(&after(&[Do::ReturnDocument("id_card"), Do::Return("换"), CARD, Do::Resubmit]), "submitted @ shop");
    // A change of kind after a return asks for the licence as well.
    check(&after(&[Do::Return("应为企业"), ENTERPRISE, Do::Resubmit]), "application_incomplete");
    check(&after(&[Do::Return("应为企业"), ENTERPRISE, LICENCE, Do::Resubmit]), "submitted @ shop");
}

#[test]
fn an_approval_tells_both_things_that_happened() {
    let mut application = Application::start();
    for action in [PERSONAL, CARD, SHOP, SIGN, Do::Submit, Do::Review] {
        application = step(&application, action).unwrap().application;
    }
    let decision = step(&application, Do::Approve(V1)).unwrap();
    assert_eq!(decision.events, [ApplicationEvent::Approved, ApplicationEvent::AgreementSigned]);
    assert_eq!(decision.application.document("id_card").unwrap().state, DocumentState::Accepted);
}

#[test]
fn every_wrong_field_is_named_at_once() {
    let command = SaveSubject {
        kind: SubjectKind::Enterprise,
        legal_name: " ".into(),
        credit_code: None,
        id_card: "1".into(),
        contact_name: "林".into(),
        contact_phone: "2".into(),
    };
    let error = save_subject(&Application::start(), &Requirement::defaults(), command, now()).unwrap_err();
    let paths: Vec<_> = error.fields().into_iter().map(|field| field.path).collect();
    assert_eq!(paths, ["legal_name", "credit_code", "id_card", "contact_phone"]);
}

#[test]
fn an_expired_document_is_refused() {
    let application = step(&Application::start(), PERSONAL).unwrap().application;
    for (day, good) in [("2026-11-20", false), ("2026-11-21", true)] {
        let got = attach_document(
            &application,
            &Requirement::defaults(),
            "id_card",
            MediaId(Uuid::from_u128(9)),
            Some(day.parse().unwrap()),
            now(),
        );
        assert_eq!(got.is_ok(), good, "{day}");
    }
}
