//! The form that applies for a brand again.

use crate::order_pages::open;
use crate::qualifications::Desk;
use qianpu_domain::access::Role;
use qianpu_tests::{both, postgres};
use sea_orm::ConnectionTrait;
use serde_json::json;

both! {
    async fn a_brand_form_begins_with_what_was_said_before(db: TestDb) {
        let desk = Desk::start(db).await;
        let owner = desk.stage.app.visitor(&desk.stage.merchant, Role::MerchantOwner).await;
        let mut body = desk.brand("10000000", "山前", "Shanqian").await;
        body["mark"]["renewal_ids"] = json!([desk.document().await]);
        body["grant"] = json!({ "level": 2, "valid_from": "2021-03-04", "valid_until": "2029-05-06",
            "letter_ids": [desk.document().await, desk.document().await], "owner_paper_ids": [desk.document().await] });
        let id = desk.apply("brand_applications", &body, 202).await.text("/id");
        desk.in_state(&id, "checking").await;
        let form = format!("{}/apply?brand_id=10000000&name_zh=%E5%B1%B1%E5%89%8D&name_en=Shanqian", desk.page("brands"));
        let begun = open(&owner, &form).await;
        for said in [r#"value="registered" selected"#, r#"value="30""#, r#"value="12345678""#, r#"value="2020-01-01""#,
            r#"value="2030-01-01""#, r#"value="granted" selected"#, r#"value="2" selected"#, r#"value="2021-03-04""#,
            r#"value="2029-05-06""#] {
            assert!(begun.html.contains(said), "{said}: {}", begun.html);
        }
        for (list, most) in [("certificates", 1), ("renewals", 1), ("letters", 2), ("owner_papers", 1)] {
            assert_eq!(begun.html.matches(&format!(r#"name="{list}" value="med_"#)).count(), most, "{list}: {}", begun.html);
        }
        // A trademark whose registration was applied for, of a brand that is the merchant's own.
        body["mark"] = json!({ "kind": "applied_for", "number": "87654321", "accepted_on": "2024-02-29",
            "certificate_ids": [desk.document().await] });
        body["grant"] = json!(null);
        let withdrawn = format!("/api/v1/qualifications/{id}/withdraw");
        desk.stage.owner.post(&withdrawn, &json!({}), 200).await;
        desk.in_state(&id, "withdrawn").await;
        let id = desk.apply("brand_applications", &body, 202).await.text("/id");
        desk.in_state(&id, "checking").await;
        let begun = open(&owner, &form).await;
        for said in [r#"value="applied_for" selected"#, r#"value="87654321""#, r#"value="2024-02-29""#, r#"value="own" selected"#] {
            assert!(begun.html.contains(said), "{said}: {}", begun.html);
        }
        // Kept in another shape it is nothing to begin with.
        let catalogue = postgres::connect(&desk.stage.app.db.superuser_url()).await.unwrap();
        let changed = r#"UPDATE qualifications SET content = '{"brand":"of an older shape"}'"#;
        assert_eq!(catalogue.execute_unprepared(changed).await.unwrap().rows_affected(), 2);
        catalogue.close().await.unwrap();
        let anew = open(&owner, &form).await;
        assert!(anew.status == 200 && anew.html.contains("商标注册人"), "{}", anew.html);
        assert!(!anew.html.contains("87654321") && anew.html.contains(r#"value="registered" selected"#), "{}", anew.html);
        assert!(anew.html.contains(r#"name="name_en" value="Shanqian""#), "{}", anew.html);
        desk.stage.stop().await;
    }
}
