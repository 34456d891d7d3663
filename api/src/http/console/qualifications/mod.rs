//! Pages of what a linked shop may sell: its [`categories`] and [`brands`] at the platform, what was applied for, and the
//! forms that apply.

mod brands;
mod categories;

use crate::app::media::{self, Purpose};
use crate::app::qualifications::{self, apply, follow};
use crate::error::{Answer, ApiError};
use crate::http::console::apply::may_be_mended;
use crate::http::extract::{Authed, Fields, Path, Upload};
use crate::http::route::PageRoutes;
use crate::http::v1::MEDIA_LIMIT;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::Flash;
use crate::pages::respond::PageAnswer;
use qianpu_domain::access::Permission;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{ChannelAccountId, MediaId, QualificationId};
use qianpu_domain::qualification::{QualificationKind, QualificationState};
use qianpu_domain::time::Timestamp;
use qianpu_tenants::authz::{Caller, Perm, perm};
use qianpu_tenants::store::channel_account::ChannelAccount;
use qianpu_tenants::store::qualification::Qualification;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    categories::routes(pages);
    brands::routes(pages);
    let one = "/console/merchant/qualifications/{qualification_id}";
    pages.post(&format!("{one}/read"), read_qualification_form);
    pages.post(&format!("{one}/withdraw"), withdraw_qualification_form);
    pages.post(&format!("{one}/give_up"), give_up_qualification_form);
}

fn of_account(id: ChannelAccountId, page: &str) -> String {
    format!("/console/merchant/channel_accounts/{id}/{page}")
}

/// Tabs of a shop's own page that lead here.
pub(super) fn account_tabs(caller: &Caller, account: &ChannelAccount) -> Vec<(&'static str, String)> {
    if !(qualifications::possible(account) && caller.may(Permission::AccountRead)) {
        return Vec::new();
    }
    ["categories", "brands"].map(|name| (name, of_account(account.id, name))).into()
}

/// A tab of a page.
#[derive(Serialize)]
struct Tab {
    name: &'static str,
    href: String,
    here: bool,
}

/// What every page here shows of its account.
#[derive(Serialize)]
struct Shop {
    name: String,
    home: String,
    tabs: Vec<Tab>,
    /// An account that is not linked cannot be asked.
    may_apply: bool,
}

impl Shop {
    fn of(caller: &Caller, account: &ChannelAccount, page: &'static str) -> Self {
        let tab = |name| Tab { name, href: of_account(account.id, name), here: name == page };
        Self {
            name: account.name.clone(),
            home: format!("/console/merchant/channel_accounts/{}", account.id),
            tabs: ["categories", "brands"].map(tab).into(),
            may_apply: account.state.usable() && caller.may(Permission::ShopDeskManage),
        }
    }
}

/// An application in a list.
#[derive(Serialize)]
struct ApplicationRow {
    href: String,
    name: String,
    subject_id: String,
    state: &'static str,
    reason: Option<String>,
    documents: usize,
    asked_by: String,
    at: i64,
    read_at: Option<i64>,
    /// It can be looked at again.
    open: bool,
    in_doubt: bool,
    may_withdraw: bool,
    /// Where it is applied for again, when it came to nothing.
    again: Option<String>,
}

fn row(one: Qualification) -> ApplicationRow {
    use QualificationState as S;
    ApplicationRow {
        href: format!("/console/merchant/qualifications/{}", one.id),
        documents: apply::count(&one),
        state: one.state.as_str(),
        open: one.state.open(),
        in_doubt: one.state == S::InDoubt,
        again: None,
        may_withdraw: one.state == S::Checking || (one.state == S::Sent && one.sent_at.is_none()),
        name: one.subject_name,
        subject_id: one.subject_id,
        reason: one.reason,
        asked_by: one.asked_by,
        at: one.created_at.micros(),
        read_at: one.read_at.map(Timestamp::micros),
    }
}

/// A page of applications, and where the next begins.
async fn applications<T>(
    auth: &Authed<perm::AccountRead, T>,
    id: ChannelAccountId,
    kind: QualificationKind,
    cursor: Option<&str>,
) -> Answer<(Vec<ApplicationRow>, Option<String>)> {
    let page = page_request(Some(20), cursor)?;
    let found = qualifications::list(&auth.state, &auth.grant, id, Some(kind), page).await?;
    let next = found.next.map(|next| cursor_text(&next));
    let mut rows: Vec<ApplicationRow> = found.items.into_iter().map(row).collect();
    // Brands are applied for again from the list of them. Only the newest application of a category leads on.
    if kind == QualificationKind::Category && cursor.is_none() {
        let mut seen = BTreeSet::new();
        for row in &mut rows {
            let newest = seen.insert(row.subject_id.clone());
            let nothing = ["refused", "withdrawn", "not_made"].contains(&row.state);
            let apply = || format!("{}/apply?category_id={}", of_account(id, "categories"), row.subject_id);
            row.again = (newest && nothing).then(apply);
        }
    }
    Ok((rows, next))
}

/// The words for a failure that people can do something about; anything else is passed on.
fn words<P: Perm, T>(auth: &Authed<P, T>, error: ApiError) -> Answer<String> {
    if !(409..=503).contains(&error.code().status()) {
        return Err(error);
    }
    Ok(auth.state.pages.catalogue().told(auth.info.lang, &error))
}

/// Back to a page, with what came of it.
fn after<P: Perm, T, V>(
    auth: &Authed<P, T>,
    back: &str,
    outcome: Answer<V>,
    done: &'static str,
) -> PageAnswer {
    let flash = match outcome {
        Ok(_) => Flash::success(done),
        Err(error) if may_be_mended(&error) || error.code().status() == 503 => {
            Flash::failure("qualifications.failed").with("why", words(auth, error)?)
        }
        Err(error) => return Err(error),
    };
    Ok(auth.redirect_with(&flash, back))
}

fn page_of(one: &Qualification) -> String {
    let page = match one.kind {
        QualificationKind::Category => "categories",
        QualificationKind::Brand => "brands",
    };
    of_account(one.account, page)
}

async fn read_qualification_form(
    auth: Authed<perm::AccountRead, (Path<QualificationId>, Fields)>,
) -> PageAnswer {
    let id = auth.input.0.0;
    let back = page_of(&qualifications::get(&auth.state, &auth.grant, id).await?);
    let outcome = follow::look_now(&auth.state, &auth.grant, id).await;
    after(&auth, &back, outcome, "qualifications.was_read")
}

async fn withdraw_qualification_form(
    auth: Authed<perm::ShopDeskManage, (Path<QualificationId>, Fields)>,
) -> PageAnswer {
    let id = auth.input.0.0;
    let back = page_of(&qualifications::get(&auth.state, &auth.grant, id).await?);
    let outcome = follow::withdraw(&auth.state, &auth.grant, id).await;
    after(&auth, &back, outcome, "qualifications.was_withdrawn")
}

async fn give_up_qualification_form(
    auth: Authed<perm::ShopDeskManage, (Path<QualificationId>, Fields)>,
) -> PageAnswer {
    let id = auth.input.0.0;
    let back = page_of(&qualifications::get(&auth.state, &auth.grant, id).await?);
    let outcome = follow::give_up(&auth.state, &auth.grant, id).await;
    after(&auth, &back, outcome, "qualifications.was_given_up")
}

type Sent = Upload<MEDIA_LIMIT>;

/// A document that was uploaded with an earlier form.
#[derive(Serialize)]
struct KeptDocument {
    field: String,
    id: String,
    number: usize,
    href: String,
}

/// Documents by field; each field of the form is there.
type Kept = BTreeMap<String, Vec<KeptDocument>>;

fn nothing_kept(names: &[String]) -> Kept {
    names.iter().map(|name| (name.clone(), Vec::new())).collect()
}

/// A form with the documents that came with it. They are stored first, so that they are kept when another field is wrong.
struct Typed {
    fields: Fields,
    errors: Vec<FieldError>,
}

impl Typed {
    /// Files of the input `<name>_file` become ids of the field `<name>`.
    async fn read<P: Perm, T>(auth: &Authed<P, T>, sent: &Sent, names: &[String]) -> Answer<Self> {
        let grant = auth.caller.grant::<perm::MediaWrite>()?;
        let mut typed = Self { fields: sent.fields.clone(), errors: Vec::new() };
        for name in names {
            let input = format!("{name}_file");
            for file in sent.files.iter().filter(|file| file.field == input && !file.bytes.is_empty()) {
                let bytes = file.bytes.clone();
                match media::store(&auth.state, &grant, Purpose::Document, &file.file_name, bytes).await {
                    Ok(stored) => typed.fields.0.push((name.clone(), stored.id.to_string())),
                    Err(error) if !error.errors().is_empty() => {
                        let at = |one: &FieldError| match one.code {
                            "unsupported_type" => qualifications::wish::only_pictures(name),
                            _ => FieldError { path: name.clone(), ..one.clone() },
                        };
                        typed.errors.extend(error.errors().iter().map(at));
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(typed)
    }
    /// Documents of a field.
    fn documents(&self, name: &str) -> Vec<MediaId> {
        self.fields.all(name).filter_map(|text| text.parse().ok()).take(100).collect()
    }
    fn text(&self, name: &str) -> String {
        self.fields.text(name).trim().to_owned()
    }
    /// What was uploaded already, for the form that is shown again.
    fn kept(&self, names: &[String]) -> Kept {
        let of = |name: &String| {
            let document = |(id, number): (MediaId, usize)| KeptDocument {
                field: name.clone(),
                id: id.to_string(),
                number,
                href: format!("/console/merchant/media/{id}"),
            };
            self.documents(name).into_iter().zip(1..).map(document).collect()
        };
        names.iter().map(|name| (name.clone(), of(name))).collect()
    }
    /// The fields with an empty one for each list, so that what is wrong with a list stands there.
    fn shown(&self, names: &[String]) -> Fields {
        let mut fields = self.fields.clone();
        fields.0.extend(names.iter().map(|name| (name.clone(), String::new())));
        fields
    }
}
