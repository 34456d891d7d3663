//! Snapshots of the tables that others rely upon. A difference here is a change of the contract: read it before
//! accepting it (`INSTA_UPDATE=always cargo test -p qianpu-tests --test it tables`).

use std::fmt::Write;

use qianpu_api::http::extract::Access;
use qianpu_domain::access::{Permission, Role};
use qianpu_domain::error::ErrorCode;

/// Who may do what: the whole policy, one line per role and permission, and what programs may be given.
#[test]
fn the_policy() {
    let mut table = String::new();
    for role in Role::ALL {
        writeln!(table, "{} ({})", role.as_str(), role.surface().as_str()).unwrap();
        for permission in Permission::ALL {
            if qianpu_domain::access::allows(*role, *permission) {
                writeln!(table, "    {}", permission.as_str()).unwrap();
            }
        }
    }
    writeln!(table, "programs (API keys and apps, at most)").unwrap();
    for permission in Permission::ALL.iter().filter(|permission| permission.reaches_machines()) {
        writeln!(table, "    {}", permission.as_str()).unwrap();
    }
    writeln!(table, "never for who acts in somebody else's tenant").unwrap();
    for permission in Permission::ALL.iter().filter(|permission| permission.never_impersonated()) {
        writeln!(table, "    {}", permission.as_str()).unwrap();
    }
    insta::assert_snapshot!("policy", table);
}

/// Each permission is somebody's; one that nobody has is a spelling of 403.
#[test]
fn every_permission_is_granted_to_a_role() {
    for permission in Permission::ALL {
        let granted = Role::ALL.iter().any(|role| qianpu_domain::access::allows(*role, *permission));
        assert!(granted, "no role has {}", permission.as_str());
    }
}

/// Error codes are stable for ever; a line that changes or goes breaks clients.
#[test]
fn the_error_codes() {
    let mut table = String::new();
    let mut seen = std::collections::BTreeSet::new();
    for code in ErrorCode::ALL {
        assert!(seen.insert(code.as_str()), "{} is there twice", code.as_str());
        assert!((400..600).contains(&code.status()), "{} is an error", code.as_str());
        let retry = if code.retryable() { " (retry)" } else { "" };
        writeln!(
            table,
            "{} {}{retry}: {} / {}",
            code.as_str(),
            code.status(),
            code.title_en(),
            code.title_zh()
        )
        .unwrap();
    }
    insta::assert_snapshot!("error_codes", table);
}

/// The page of documentation that lists the codes is the table, written out.
#[test]
fn the_page_of_error_codes() {
    let mut page = String::from(
        "# Codes of problems\n\n\
         Every error of the API is `application/problem+json` with one of these codes; see [api.md](api.md). A code never\n\
         changes its meaning. *Again* marks what may succeed later without a change. This page is written by a test\n\
         (`tables::the_page_of_error_codes`) from [the table of codes](../domain/src/error.rs); a running server shows it at\n\
         `/api/docs`.\n\n\
         | code | status | again | means | 含义 |\n|---|---|---|---|---|\n",
    );
    for code in ErrorCode::ALL {
        let (name, status, english, chinese) =
            (code.as_str(), code.status(), code.title_en(), code.title_zh());
        let again = if code.retryable() { "✓" } else { "" };
        writeln!(page, "| `{name}` | {status} | {again} | {english} | {chinese} |").unwrap();
    }
    let path = qianpu_tests::workspace::root().join("docs/problems.md");
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/problems.md is not the table; write it with INSTA_UPDATE=always");
}

/// Where each table lives and who may read it besides its tenant: the other half of the policy.
#[test]
fn the_placement_of_tables() {
    let mut table = String::new();
    for declared in qianpu_migrations::tables() {
        let append_only = if declared.append_only { ", append only" } else { "" };
        writeln!(table, "{}: {:?}, {:?}{append_only}", declared.name, declared.place, declared.access)
            .unwrap();
    }
    insta::assert_snapshot!("tables", table);
}

/// Every operation with who may call it: routes, permissions and the document in one list.
#[test]
fn the_operations() {
    let routes = qianpu_api::http::routes();
    let mut table = String::new();
    let mut seen = std::collections::BTreeSet::new();
    for entry in routes.entries().iter().filter(|entry| entry.summary.is_some()) {
        assert!(seen.insert(entry.id), "the operation id {} is there twice", entry.id);
        let needs = match entry.access {
            Access::Public => "anybody",
            Access::Buyer => "a buyer of the shop",
            Access::Needs(permission) => permission.as_str(),
        };
        writeln!(table, "{} {} {} ({needs})", entry.id, entry.method, entry.path).unwrap();
    }
    insta::assert_snapshot!("operations", table);
}

/// The whole document. Clients are generated from it: a field that goes or changes its type breaks them.
#[test]
fn the_openapi_document() {
    let document = qianpu_tests::openapi::document(&qianpu_api::http::routes());
    let text = serde_json::to_string_pretty(&document).unwrap();
    for reference in text.split("\"$ref\": \"#").skip(1) {
        let pointer = reference.split('"').next().unwrap_or_default();
        assert!(document.pointer(pointer).is_some(), "{pointer} is referred to and not there");
    }
    insta::assert_snapshot!("openapi", text);
}
