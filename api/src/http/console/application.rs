//! The applicant's side in the merchant console: four steps that are saved one by one and resumed where
//! they were left, and a status page with what happened.

use super::application_view::{
    ApplicationFacts, DocumentItem, ReasonItem, document_items, facts, reason_items, step_name,
};
use super::apply::may_be_mended;
use crate::app::applications::{self, Desk, steps};
use crate::app::categories;
use crate::app::media::{self, Purpose};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Call, Fields, Path, Upload};
use crate::http::route::PageRoutes;
use crate::http::v1::{MEDIA_LIMIT, media_content, read_day};
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{CategoryId, MediaId};
use qianpu_domain::onboarding::{AgreementVersion, ApplicationState, SaveSubject, Step};
use qianpu_domain::subject::SubjectKind;
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::category::Category;
use serde::Serialize;

const HOME: &str = "/console/merchant/application";
const MEDIA: &str = "/console/merchant/media";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(HOME, application_page);
    pages.post("/console/merchant/application/sign", sign_again_form);
    for step in Step::ALL {
        pages.get(&format!("{HOME}/{step}"), step_page);
    }
    pages.post("/console/merchant/application/subject", subject_form);
    pages.post("/console/merchant/application/documents/{requirement}", document_form);
    pages.post("/console/merchant/application/shop", shop_form);
    pages.post("/console/merchant/application/agreement", agreement_form);
    pages.get("/console/merchant/media/{media_id}", merchant_media);
}

type Edit<T = ()> = Authed<perm::ApplicationEdit, T>;

#[derive(Serialize)]
struct StepItem {
    label: String,
    state: &'static str,
}

#[derive(Serialize)]
struct MissingItem {
    href: String,
    text: String,
}

#[derive(Serialize)]
struct CategoryGroup {
    label: String,
    options: Vec<CategoryOption>,
}

#[derive(Serialize)]
struct CategoryOption {
    value: String,
    label: String,
    deposit: i64,
    /// Word of the admission when it cannot be chosen; empty when it can.
    closed: String,
    chosen: bool,
}

#[derive(Serialize)]
struct WizardView {
    form: FormView,
    step: &'static str,
    steps: Vec<StepItem>,
    previous: String,
    reasons: Vec<ReasonItem>,
    returned: bool,
    has_licence: bool,
    id_card_known: String,
    phone_known: String,
    documents: Vec<DocumentItem>,
    documents_done: bool,
    categories: Vec<CategoryGroup>,
    missing: Vec<MissingItem>,
    agreement: String,
    agreement_version: String,
    agreement_sha256: String,
    signed: bool,
    facts: ApplicationFacts,
}

async fn application_page(auth: Edit) -> PageAnswer {
    let desk = applications::own(&auth.state, &auth.grant).await?;
    if desk.application().state == ApplicationState::Draft {
        return Ok(auth.redirect(&format!("{HOME}/{}", desk.resume_at())));
    }
    #[derive(Serialize)]
    struct StatusView {
        facts: ApplicationFacts,
        resume: String,
        must_sign: bool,
        agreement: String,
        agreement_version: String,
        agreement_sha256: String,
    }
    let tree = categories::category_tree(&auth.state.db, &auth.grant).await?;
    let agreement = &desk.rules.agreement;
    let view = StatusView {
        facts: facts(&auth, &desk, &tree, MEDIA),
        // The first step that was sent back, whether or not something is missing there.
        resume: format!("{HOME}/{}", desk.application().step),
        must_sign: desk.must_sign_again(),
        agreement: auth.info.lang.pick(&agreement.body_zh, &agreement.body_en).to_owned(),
        agreement_version: agreement.version.version.clone(),
        agreement_sha256: agreement.version.sha256.clone(),
    };
    auth.page("onboarding/status", view)
}

async fn step_page(auth: Edit) -> PageAnswer {
    let word = auth.request.path().rsplit('/').next().unwrap_or_default();
    let step = Step::from_text(word).ok_or_else(ApiError::not_found)?;
    let desk = applications::own(&auth.state, &auth.grant).await?;
    if !desk.application().state.editable() {
        return Ok(auth.redirect(HOME));
    }
    // Later steps lean on the subject kind, so the first one comes first.
    if desk.application().subject.is_none() && step != Step::Subject {
        return Ok(auth.redirect(&format!("{HOME}/subject")));
    }
    let view = wizard(&auth, &desk, step, filled(&desk, step)).await?;
    auth.page("onboarding/wizard", view)
}

fn filled(desk: &Desk, step: Step) -> FormView {
    let application = desk.application();
    match (step, &application.subject, &application.shop) {
        (Step::Subject, Some(subject), _) => FormView::filled([
            ("kind", subject.kind.as_str().to_owned()),
            ("legal_name", subject.legal_name.clone()),
            ("credit_code", subject.credit_code.as_ref().map_or("", |code| code.as_str()).to_owned()),
            ("contact_name", subject.contact_name.clone()),
        ]),
        (Step::Subject, None, _) => FormView::filled([("kind", SubjectKind::Enterprise.as_str().to_owned())]),
        (Step::Shop, _, Some(shop)) => FormView::filled([
            ("name", shop.name.as_str().to_owned()),
            ("category_id", shop.category.to_string()),
        ]),
        _ => FormView::default(),
    }
}

async fn wizard<T>(auth: &Edit<T>, desk: &Desk, step: Step, form: FormView) -> Answer<WizardView> {
    let call: &Call = auth;
    let lang = auth.info.lang;
    let application = desk.application();
    let missing = desk.missing();
    let tree = categories::category_tree(&auth.state.db, &auth.grant).await?;
    let subject = application.subject.as_ref();
    let agreement = &desk.rules.agreement;
    let documents = document_items(call, desk, MEDIA);
    // A step that was sent back is open again, though its fields are all filled.
    let sent_back = reason_items(call, desk, None);
    let done = |known: Step| {
        subject.is_some()
            && !missing.iter().any(|item| item.step == known)
            && !sent_back.iter().any(|reason| reason.step == known.as_str())
    };
    let chosen = application.shop.as_ref().map(|shop| shop.category);
    Ok(WizardView {
        form,
        step: step.as_str(),
        steps: Step::ALL
            .iter()
            .map(|known| StepItem {
                label: step_name(call, *known),
                state: match known {
                    known if *known == step => "current",
                    known if done(*known) => "done",
                    _ => "todo",
                },
            })
            .collect(),
        previous: match step {
            Step::Subject => String::new(),
            Step::Documents => format!("{HOME}/subject"),
            Step::Shop => format!("{HOME}/documents"),
            Step::Agreement => format!("{HOME}/shop"),
        },
        reasons: reason_items(call, desk, Some(step)),
        returned: application.state == ApplicationState::Returned,
        has_licence: application.kind().is_none_or(SubjectKind::has_licence),
        id_card_known: subject.map_or_else(String::new, |subject| subject.id_card.masked()),
        phone_known: subject.map_or_else(String::new, |subject| subject.contact_phone.masked()),
        documents_done: !missing.iter().any(|item| item.step == Step::Documents),
        documents,
        categories: groups(call, &tree, chosen),
        missing: missing
            .iter()
            .filter(|item| item.step != Step::Agreement)
            .map(|item| MissingItem {
                href: format!("{HOME}/{}", item.step),
                text: match item.error.path.as_str() {
                    "subject" | "shop" => step_name(call, item.step),
                    _ => lang.pick(&item.error.message_zh, &item.error.message_en).to_owned(),
                },
            })
            .collect(),
        agreement: lang.pick(&agreement.body_zh, &agreement.body_en).to_owned(),
        agreement_version: agreement.version.version.clone(),
        agreement_sha256: agreement.version.sha256.clone(),
        signed: application.agreement.as_ref().is_some_and(|signed| signed.agreement == agreement.version),
        facts: facts(call, desk, &tree, MEDIA),
    })
}

/// The leaves of the tree under the names of their tops. A leaf that cannot be chosen says why.
fn groups(call: &Call, tree: &[Category], chosen: Option<CategoryId>) -> Vec<CategoryGroup> {
    let lang = call.info.lang;
    let name = |node: &Category| lang.pick(&node.name_zh, &node.name_en).to_owned();
    let path = |leaf: &Category| {
        let mut nodes = vec![leaf.clone()];
        while let Some(parent) = nodes.first().and_then(|node| node.parent) {
            let Some(found) = tree.iter().find(|node| node.id == parent) else { break };
            nodes.insert(0, found.clone());
        }
        nodes
    };
    let mut groups: Vec<CategoryGroup> = Vec::new();
    for leaf in tree.iter().filter(|node| !tree.iter().any(|other| other.parent == Some(node.id))) {
        let nodes = path(leaf);
        let Some((top, rest)) = nodes.split_first() else { continue };
        let closed = nodes.iter().find(|node| !node.admission.may_be_chosen());
        let label: Vec<String> =
            if rest.is_empty() { vec![name(top)] } else { rest.iter().map(name).collect() };
        let option = CategoryOption {
            value: leaf.id.to_string(),
            label: label.join(" / "),
            deposit: leaf.deposit.get(),
            closed: closed.map_or_else(String::new, |node| {
                lang.pick(node.admission.title_zh(), node.admission.title_en()).to_owned()
            }),
            chosen: chosen == Some(leaf.id),
        };
        let group = name(top);
        match groups.iter_mut().find(|known| known.label == group) {
            Some(known) => known.options.push(option),
            None => groups.push(CategoryGroup { label: group, options: vec![option] }),
        }
    }
    groups
}

/// After a step: on to the next, or to the list when the person leaves.
fn onward<T>(auth: &Edit<T>, fields: &Fields, next: Step) -> PageAnswer {
    if fields.text("then") == "leave" {
        return Ok(auth.redirect_with(&Flash::success("onboarding.saved_for_later"), "/console/merchant"));
    }
    Ok(auth.redirect(&format!("{HOME}/{next}")))
}

async fn again<T>(auth: &Edit<T>, step: Step, fields: &Fields, error: ApiError) -> PageAnswer {
    if !may_be_mended(&error) {
        return Err(error);
    }
    let desk = applications::own(&auth.state, &auth.grant).await?;
    if !desk.application().state.editable() {
        return Err(error);
    }
    let form = FormView::refused_by(fields, &error, auth.info.lang);
    let view = wizard(auth, &desk, step, form).await?;
    auth.refused_page("onboarding/wizard", view)
}

async fn subject_form(auth: Edit<Fields>) -> PageAnswer {
    let fields = &auth.input;
    let desk = applications::own(&auth.state, &auth.grant).await?;
    let known = desk.application().subject.as_ref();
    // Sealed values are not sent to the browser; an empty field keeps them.
    let kept = |typed: &str, stored: Option<&str>| match (typed, stored) {
        ("", Some(stored)) => stored.to_owned(),
        (typed, _) => typed.to_owned(),
    };
    let credit_code = fields.text("credit_code");
    let command = SaveSubject {
        kind: SubjectKind::from_text(fields.text("kind")).unwrap_or(SubjectKind::Personal),
        legal_name: fields.text("legal_name").to_owned(),
        credit_code: (!credit_code.is_empty()).then(|| credit_code.to_owned()),
        id_card: kept(fields.text("id_card"), known.map(|subject| subject.id_card.reveal())),
        contact_name: fields.text("contact_name").to_owned(),
        contact_phone: kept(
            fields.text("contact_phone"),
            known.map(|subject| subject.contact_phone.reveal()),
        ),
    };
    match steps::save_subject(&auth.state, &auth.grant, desk.stored.id, None, command).await {
        Ok(_) => onward(&auth, fields, Step::Documents),
        Err(error) => again(&auth, Step::Subject, fields, error).await,
    }
}

async fn document_form(auth: Edit<(Path<String>, Upload<MEDIA_LIMIT>)>) -> PageAnswer {
    let (Path(requirement), upload) = &auth.input;
    let desk = applications::own(&auth.state, &auth.grant).await?;
    let outcome = attach(&auth, &desk, requirement, upload).await;
    match outcome {
        Ok(()) => {
            let to = format!("{HOME}/documents#d-{requirement}");
            Ok(auth.redirect_with(&Flash::success("onboarding.document_stored"), &to))
        }
        Err(error) if may_be_mended(&error) || error.code().status() == 413 => {
            // The error belongs to this document's form, not to a field of the same name elsewhere.
            let errors: Vec<FieldError> = error
                .errors()
                .iter()
                .map(|wrong| FieldError { path: requirement.clone(), ..wrong.clone() })
                .collect();
            let error = if errors.is_empty() { error } else { error.with_fields(errors) };
            let fields = Fields(vec![(requirement.clone(), String::new())]);
            again(&auth, Step::Documents, &fields, error).await
        }
        Err(error) => Err(error),
    }
}

async fn attach<T>(
    auth: &Edit<T>,
    desk: &Desk,
    requirement: &str,
    upload: &Upload<MEDIA_LIMIT>,
) -> Answer<()> {
    let day = read_day("expires_on", Some(upload.fields.text("expires_on")))?;
    let file = upload.file("file").ok_or_else(|| FieldError::required("file"))?;
    let writing = auth.caller.grant::<perm::MediaWrite>()?;
    let stored =
        media::store(&auth.state, &writing, Purpose::Document, &file.file_name, file.bytes.clone()).await?;
    steps::attach_document(&auth.state, &auth.grant, desk.stored.id, requirement, stored.id, day).await?;
    Ok(())
}

async fn shop_form(auth: Edit<Fields>) -> PageAnswer {
    let fields = &auth.input;
    let desk = applications::own(&auth.state, &auth.grant).await?;
    let mut errors = Vec::new();
    let category: Option<CategoryId> = fields.parsed("category_id", &mut errors);
    let Some(category) = category else {
        if errors.is_empty() {
            errors.push(FieldError::required("category_id"));
        }
        return again(&auth, Step::Shop, fields, errors.into()).await;
    };
    let name = fields.text("name").to_owned();
    match steps::save_shop(&auth.state, &auth.grant, desk.stored.id, None, name, category).await {
        Ok(_) => onward(&auth, fields, Step::Agreement),
        Err(error) => again(&auth, Step::Shop, fields, error).await,
    }
}

fn signed_version(fields: &Fields) -> Answer<AgreementVersion> {
    if !fields.ticked("agree") {
        let (en, zh) = ("please read and accept the agreement", "请阅读并勾选同意协议");
        return Err(FieldError::new("agree", "required", en, zh).into());
    }
    Ok(AgreementVersion {
        version: fields.text("version").to_owned(),
        sha256: fields.text("sha256").to_owned(),
    })
}

/// Step 4 signs and hands in.
async fn agreement_form(auth: Edit<Fields>) -> PageAnswer {
    let mut fields = auth.input.clone();
    // An unticked box sends nothing; the page needs the name to place the error.
    if !fields.0.iter().any(|(name, _)| name == "agree") {
        fields.0.push(("agree".to_owned(), String::new()));
    }
    let desk = applications::own(&auth.state, &auth.grant).await?;
    let outcome = async {
        let signed = signed_version(&fields)?;
        steps::sign_agreement(&auth.state, &auth.grant, desk.stored.id, signed).await?;
        steps::submit(&auth.state, &auth.grant, desk.stored.id).await
    };
    match outcome.await {
        Ok(_) => Ok(auth.redirect_with(&Flash::success("onboarding.handed_in"), HOME)),
        Err(error) => again(&auth, Step::Agreement, &fields, error).await,
    }
}

/// The agreement got a newer version between signing and approval.
async fn sign_again_form(auth: Edit<Fields>) -> PageAnswer {
    let desk = applications::own(&auth.state, &auth.grant).await?;
    let signed = signed_version(&auth.input)?;
    steps::sign_agreement(&auth.state, &auth.grant, desk.stored.id, signed).await?;
    Ok(auth.redirect_with(&Flash::success("onboarding.signed"), HOME))
}

async fn merchant_media(auth: Authed<perm::MediaRead, Path<MediaId>>) -> PageAnswer {
    let found = media::get(&auth.state, &auth.caller, &auth.grant, auth.input.0).await?;
    let bytes = media::read_bytes(&auth.state, &found).await?;
    Ok(media_content(&found, bytes))
}
