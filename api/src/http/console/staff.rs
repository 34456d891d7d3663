//! The people of a tenant, the same on each surface: who they are, inviting, roles, and closing a log-in.

use super::apply::may_be_mended;
use super::roles::{role_name, what_it_does};
use crate::app::staff::joining::{self, InviteStaff};
use crate::app::staff::{self, GiveRole, roles, sign_in};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Call, Fields, Path, Path2, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::lang::Lang;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Surface;
use qianpu_domain::custom_role::within;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{InvitationId, ShopId, StaffGrantId, UserId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::shop::Shop;
use qianpu_tenants::store::staff::StaffPerson;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    for surface in [Surface::Operator, Surface::Provider, Surface::Merchant] {
        let home = home_of(surface);
        pages.get(&home, staff_page);
        pages.post(&home, invite_form);
        pages.post(&format!("{home}/invitations/{{staff_invitation_id}}/revoke"), revoke_form);
        pages.get(&format!("{home}/{{user_id}}"), person_page);
        pages.post(&format!("{home}/{{user_id}}/grants"), give_form);
        pages.post(&format!("{home}/{{user_id}}/grants/{{grant_id}}/take"), take_form);
        pages.post(&format!("{home}/{{user_id}}/disable"), disable_form);
        pages.post(&format!("{home}/{{user_id}}/enable"), enable_form);
        pages.post(&format!("{home}/{{user_id}}/totp/reset"), reset_totp_form);
        pages.post(&format!("{home}/sign_in"), sign_in_form);
    }
}

type Manages<T = ()> = Authed<perm::StaffManage, T>;

fn home_of(surface: Surface) -> String {
    format!("/console/{}/staff", surface.as_str())
}

#[derive(Debug, Deserialize, IntoParams)]
struct PageQuery {
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Choice {
    value: String,
    label: String,
}

#[derive(Serialize)]
struct GrantLine {
    id: String,
    role: String,
    /// What it allows, in one sentence.
    does: String,
    /// Name of the shop it is limited to; empty for the whole tenant.
    shop: String,
}

#[derive(Serialize)]
struct PersonLine {
    id: String,
    name: String,
    email: String,
    state: &'static str,
    /// `on` or `off`.
    totp: &'static str,
    own: bool,
    grants: Vec<GrantLine>,
    last_login_at: Option<i64>,
    created_at: i64,
}

fn shop_name(shops: &[Shop], shop: Option<ShopId>) -> String {
    let named = |id: ShopId| shops.iter().find(|shop| shop.id == id).map(|shop| shop.name.clone());
    shop.map_or_else(String::new, |id| named(id).unwrap_or_else(|| id.to_string()))
}

fn line(call: &Call, person: StaffPerson, shops: &[Shop], me: Option<UserId>) -> PersonLine {
    PersonLine {
        id: person.user.to_string(),
        name: person.name,
        email: person.email,
        state: if person.active { "active" } else { "disabled" },
        totp: if person.totp { "on" } else { "off" },
        own: Some(person.user) == me,
        grants: person
            .grants
            .iter()
            .map(|grant| GrantLine {
                id: grant.id.to_string(),
                role: role_name(call, &grant.role),
                does: what_it_does(call, &grant.role),
                shop: shop_name(shops, grant.shop),
            })
            .collect(),
        last_login_at: person.last_login_at.map(|at| at.micros()),
        created_at: person.created_at.micros(),
    }
}

/// A role to choose, with what it does.
#[derive(Serialize)]
struct RoleChoice {
    value: String,
    label: String,
    does: String,
}

/// The roles that the caller may give: those whose permissions they hold.
async fn role_choices<T>(auth: &Manages<T>) -> Answer<Vec<RoleChoice>> {
    let holds = auth.caller.holds_everywhere();
    let found = roles::list(&auth.state, &auth.grant).await?;
    let may = found.iter().filter(|role| within(holds, role.permissions()).is_ok());
    Ok(may
        .map(|role| RoleChoice {
            value: role.key(),
            label: role_name(auth, role),
            does: what_it_does(auth, role),
        })
        .collect())
}

fn shop_choices(shops: &[Shop]) -> Vec<Choice> {
    shops.iter().map(|shop| Choice { value: shop.id.to_string(), label: shop.name.clone() }).collect()
}

#[derive(Serialize)]
struct InvitationLine {
    id: String,
    email: String,
    name: String,
    role: String,
    shop: String,
    created_at: i64,
    expires_at: i64,
    expired: bool,
}

#[derive(Serialize)]
struct StaffView {
    form: FormView,
    home: String,
    /// Where roles are made.
    roles_home: String,
    people: Vec<PersonLine>,
    next_page: Option<String>,
    invitations: Vec<InvitationLine>,
    roles: Vec<RoleChoice>,
    shops: Vec<Choice>,
    languages: Vec<Choice>,
    /// Since when an authenticator app is asked of everybody.
    totp_required_since: Option<i64>,
}

async fn staff_view<T>(auth: &Manages<T>, cursor: Option<&str>, form: FormView) -> Answer<StaffView> {
    let surface = auth.caller.surface();
    let home = home_of(surface);
    let found = staff::list(&auth.state, &auth.grant, page_request(Some(20), cursor)?).await?;
    let shops = staff::shops(&auth.state, &auth.grant).await?;
    let open = joining::list(&auth.state, &auth.grant, PageRequest::first(joining::MOST_OPEN)).await?;
    let required = sign_in::required_since(&auth.state, &auth.grant).await?;
    let now = auth.state.clock().now();
    let language = |value: &str, label: &str| Choice { value: value.to_owned(), label: label.to_owned() };
    Ok(StaffView {
        form,
        next_page: found.next.map(|next| format!("{home}?cursor={}", cursor_text(&next))),
        home,
        people: found
            .items
            .into_iter()
            .map(|person| line(auth, person, &shops, auth.grant.ctx().actor().user()))
            .collect(),
        invitations: open
            .items
            .into_iter()
            .map(|row| InvitationLine {
                id: row.id.to_string(),
                email: row.email,
                name: row.name,
                role: role_name(auth, &row.role),
                shop: shop_name(&shops, row.shop),
                created_at: row.created_at.micros(),
                expires_at: row.expires_at.micros(),
                expired: row.expires_at <= now,
            })
            .collect(),
        roles: role_choices(auth).await?,
        roles_home: super::roles::home_of(surface),
        shops: shop_choices(&shops),
        languages: vec![language("zh", "中文"), language("en", "English")],
        totp_required_since: required.map(|at| at.micros()),
    })
}

async fn staff_page(auth: Manages<Query<PageQuery>>) -> PageAnswer {
    let form = FormView::filled([("locale", auth.info.lang.code().to_owned())]);
    let view = staff_view(&auth, auth.input.0.cursor.as_deref(), form).await?;
    auth.page("staff/list", view)
}

/// The shop of a form; something that is no id at all is wrong at its field.
fn shop_of(fields: &Fields) -> Answer<Option<ShopId>> {
    let mut errors = Vec::new();
    let shop = fields.parsed("shop_id", &mut errors);
    if errors.is_empty() { Ok(shop) } else { Err(errors.into()) }
}

async fn invite(auth: &Manages<Fields>) -> Answer<()> {
    let fields = &auth.input;
    let command = InviteStaff {
        email: fields.text("email").to_owned(),
        name: fields.text("name").to_owned(),
        role: fields.text("role").to_owned(),
        shop: shop_of(fields)?,
        lang: Lang::parse(fields.text("locale")).unwrap_or(auth.info.lang),
    };
    joining::invite(&auth.state, &auth.grant, auth.caller.holds_everywhere(), &command).await?;
    Ok(())
}

async fn invite_form(auth: Manages<Fields>) -> PageAnswer {
    match invite(&auth).await {
        Ok(()) => Ok(auth.redirect_with(&Flash::success("staff.invited"), &home_of(auth.caller.surface()))),
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(&auth.input, &error, auth.info.lang);
            let view = staff_view(&auth, None, form).await?;
            auth.refused_page("staff/list", view)
        }
        Err(error) => Err(error),
    }
}

async fn revoke_form(auth: Manages<(Path<InvitationId>, Fields)>) -> PageAnswer {
    joining::revoke(&auth.state, &auth.grant, auth.input.0.0).await?;
    Ok(auth.redirect_with(&Flash::success("staff.revoked"), &home_of(auth.caller.surface())))
}

#[derive(Serialize)]
struct PersonView {
    form: FormView,
    home: String,
    /// Address of this page.
    at: String,
    person: PersonLine,
    roles: Vec<RoleChoice>,
    shops: Vec<Choice>,
}

async fn person_view<T>(auth: &Manages<T>, id: UserId, form: FormView) -> Answer<PersonView> {
    let person = staff::get(&auth.state, &auth.grant, id).await?;
    let shops = staff::shops(&auth.state, &auth.grant).await?;
    let surface = auth.caller.surface();
    Ok(PersonView {
        form,
        home: home_of(surface),
        at: format!("{}/{id}", home_of(surface)),
        person: line(auth, person, &shops, auth.grant.ctx().actor().user()),
        roles: role_choices(auth).await?,
        shops: shop_choices(&shops),
    })
}

async fn person_page(auth: Manages<Path<UserId>>) -> PageAnswer {
    let view = person_view(&auth, auth.input.0, FormView::default()).await?;
    auth.page("staff/person", view)
}

/// Back to the person's page, or the page again with what was refused.
async fn answer<T>(
    auth: &Manages<T>,
    id: UserId,
    fields: &Fields,
    done: Answer<()>,
    told: &'static str,
) -> PageAnswer {
    let error: ApiError = match done {
        Ok(()) => {
            let to = format!("{}/{id}", home_of(auth.caller.surface()));
            return Ok(auth.redirect_with(&Flash::success(told), &to));
        }
        Err(error) => error,
    };
    if !may_be_mended(&error) {
        return Err(error);
    }
    let view = person_view(auth, id, FormView::refused_by(fields, &error, auth.info.lang)).await?;
    auth.refused_page("staff/person", view)
}

async fn give_form(auth: Manages<(Path<UserId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let done = match shop_of(fields) {
        Ok(shop) => {
            let command = GiveRole { role: fields.text("role"), shop };
            staff::give_role(&auth.state, &auth.grant, auth.caller.holds_everywhere(), *id, &command)
                .await
                .map(drop)
        }
        Err(error) => Err(error),
    };
    answer(&auth, *id, fields, done, "staff.role_given").await
}

async fn take_form(auth: Manages<(Path2<UserId, StaffGrantId>, Fields)>) -> PageAnswer {
    let (Path2(id, held), fields) = &auth.input;
    let done = staff::take_role(&auth.state, &auth.grant, auth.caller.holds_everywhere(), *id, *held).await;
    answer(&auth, *id, fields, done, "staff.role_taken").await
}

async fn disable_form(auth: Manages<(Path<UserId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let done = staff::disable(&auth.state, &auth.grant, auth.caller.holds_everywhere(), *id).await.map(drop);
    answer(&auth, *id, fields, done, "staff.was_disabled").await
}

async fn enable_form(auth: Manages<(Path<UserId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let done = staff::enable(&auth.state, &auth.grant, auth.caller.holds_everywhere(), *id).await.map(drop);
    answer(&auth, *id, fields, done, "staff.was_enabled").await
}

async fn reset_totp_form(auth: Manages<(Path<UserId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let done =
        sign_in::reset(&auth.state, auth.caller.person()?, &auth.grant, auth.caller.holds_everywhere(), *id)
            .await;
    answer(&auth, *id, fields, done, "sign_in.was_reset").await
}

async fn sign_in_form(auth: Manages<Fields>) -> PageAnswer {
    let required = auth.input.ticked("totp_required");
    match sign_in::require(&auth.state, auth.caller.person()?, &auth.grant, required).await {
        Ok(_) => {
            let told = if required { "sign_in.required_now" } else { "sign_in.not_required_now" };
            Ok(auth.redirect_with(&Flash::success(told), &home_of(auth.caller.surface())))
        }
        Err(error) if may_be_mended(&error) => {
            // The box is no field of the page's form: what is wrong stands on top.
            let form = FormView::refused(&Fields::default(), &unnamed(error.errors()), auth.info.lang);
            let view = staff_view(&auth, None, form).await?;
            auth.refused_page("staff/list", view)
        }
        Err(error) => Err(error),
    }
}

/// Errors as sentences of their own, without the name of a field.
fn unnamed(errors: &[FieldError]) -> Vec<FieldError> {
    errors.iter().map(|error| FieldError { path: String::new(), ..error.clone() }).collect()
}
