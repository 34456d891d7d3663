//! A new installation: the operator that every start makes sure of, and the first provider by the command line.

use qianpu_api::app::setup::ensure_operator;
use qianpu_api::cli_provider::{ProviderArgs, create};
use qianpu_tenants::clock::Clock;
use qianpu_tests::app::TestApp;
use qianpu_tests::both;

fn args(slug: &str, email: &str) -> ProviderArgs {
    ProviderArgs {
        name: "云帆服务商".into(),
        slug: slug.into(),
        owner_name: "林青".into(),
        owner_email: email.into(),
        password_file: None,
        locale: "zh".into(),
    }
}

both! {
    async fn a_new_installation_gets_its_first_provider(db: TestDb) {
        let app = TestApp::start_with(db, Clock::system(), &[]).await;
        // Every process makes sure of it, also several at once.
        let (one, two) = tokio::join!(
            ensure_operator(&app.state, "运营方", None), ensure_operator(&app.state, "运营方", None));
        let one = one.unwrap();
        assert_eq!(one, two.unwrap());
        assert_eq!(ensure_operator(&app.state, "运营方", None).await.unwrap(), one);

        let refused = create(&app.state, &args("Not A Slug", "nobody")).await.unwrap_err().to_string();
        assert!(refused.contains("slug:"), "{refused}");
        // A refused owner does not use the address up.
        let refused = create(&app.state, &args("yunfan", "nobody")).await.unwrap_err().to_string();
        assert!(refused.contains("email:"), "{refused}");
        let told = create(&app.state, &args("yunfan", "lin@example.com")).await.unwrap();
        assert!(told.contains("/apply/yunfan"), "{told}");
        let password = told.lines().find_map(|line| line.trim().strip_prefix("password")).unwrap();
        let password = password.split_whitespace().next().unwrap();
        let owner = app.api("lin@example.com", password).await;
        let me = owner.get("/api/v1/me", 200).await;
        assert!(me.body.contains("provider_owner"), "{}", me.body);
        // The application page is open, with documents, categories and an agreement to work with.
        app.anonymous().get("/apply/yunfan", 200).await;
        assert!(!owner.get("/api/v1/requirements", 200).await.json("/items").as_array().unwrap().is_empty());
        let again = create(&app.state, &args("yunfan", "other@example.com")).await.unwrap_err().to_string();
        assert!(again.contains("taken"), "{again}");
        app.stop().await;
    }
}
