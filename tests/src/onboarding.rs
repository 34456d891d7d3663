//! Providers and merchants made as people make them: the set-up use cases, then the API. For tests that need a shop.

use qianpu_api::app::setup::{NewPerson, NewProvider, create_provider, ensure_operator};
use qianpu_domain::access::Role;
use qianpu_domain::ids::TenantId;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::http::{Answer, Client};

/// The password of everybody made here.
pub const PASSWORD: &str = "correct horse battery";
/// The smallest PNG there is.
pub const PNG: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, 0x49, 0x48, 0x44, 0x52, 0, 0, 0, 1, 0, 0,
    0, 1, 8, 4, 0, 0, 0, 0xb5, 0x1c, 0x0c, 0x02, 0, 0, 0, 0x0b, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63,
    0x64, 0xf8, 0x0f, 0, 1, 5, 1, 1, 0x27, 0x18, 0xe3, 0x66, 0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42,
    0x60, 0x82,
];
/// Valid by its check digit, belongs to nobody.
pub const ID_CARD: &str = "11010519491231002X";
/// Valid by its check digit, belongs to nobody.
pub const CREDIT_CODE: &str = "91350100M000100Y43";

/// A provider made by the set-up use cases, with its owner and a reviewer logged in.
pub struct OnboardedProvider {
    pub id: TenantId,
    pub slug: String,
    pub owner: Client,
    pub reviewer: Client,
    pub reviewer_email: String,
}

/// A merchant whose application was approved.
pub struct OnboardedMerchant {
    pub merchant_id: String,
    pub application_id: String,
    pub shop_id: String,
    pub owner: Client,
    pub email: String,
}

impl TestApp {
    /// Makes the operator and a provider.
    pub async fn onboarded_provider(&self, slug: &str) -> OnboardedProvider {
        ensure_operator(&self.state, "运营方", None).await.expect("the operator is made");
        let owner_email = format!("owner@{slug}.test");
        let reviewer_email = format!("reviewer@{slug}.test");
        let person = |email, name, role| NewPerson { email, name, password: PASSWORD, locale: "zh", role };
        let staff = [
            person(owner_email.as_str(), "王掌柜", Role::ProviderOwner),
            person(reviewer_email.as_str(), "李审核", Role::ProviderReviewer),
        ];
        let name = format!("{slug} 服务商");
        let new = NewProvider { name: &name, slug, locale: "zh", staff: &staff };
        let id = create_provider(&self.state, &new).await.expect("the provider is made");
        OnboardedProvider {
            id,
            slug: slug.to_owned(),
            owner: self.api(&owner_email, PASSWORD).await,
            reviewer: self.api(&reviewer_email, PASSWORD).await,
            reviewer_email,
        }
    }

    /// Starts an application by the public operation; the applicant is logged in. Answers also its id.
    pub async fn applicant(&self, provider: &OnboardedProvider, email: &str) -> (Client, String) {
        let body = json!({
            "provider": provider.slug, "email": email, "name": "林茶", "password": PASSWORD, "locale": "zh",
        });
        let answer = self.anonymous().post("/api/v1/applications", &body, 201).await;
        let client = self.anonymous().with_token(&answer.text("/access_token"));
        (client, answer.text("/application_id"))
    }

    /// Uploads a picture for a purpose; answers its id.
    pub async fn upload(&self, client: &Client, purpose: &str, bytes: &[u8], expected: u16) -> Answer {
        let file = Part::bytes(bytes.to_vec()).file_name("证件.png");
        let form = Form::new().text("purpose", purpose.to_owned()).part("file", file);
        let request = client.request(Method::POST, "/api/v1/media").multipart(form);
        let answer = Answer::of(request.send().await.expect("the upload is answered")).await;
        assert_eq!(answer.status, expected, "{}", answer.body);
        answer
    }

    /// Fills in the four steps.
    pub async fn fill_in(&self, client: &Client, application: &str, kind: &str, shop: &str) {
        let at = format!("/api/v1/applications/{application}");
        client.put(&format!("{at}/subject"), &subject(kind), 200).await;
        let documents = client.get(&at, 200).await.json("/documents");
        for document in documents.as_array().expect("documents") {
            let media = self.upload(client, "document", PNG, 201).await.text("/id");
            let requirement = document["requirement"].as_str().expect("a requirement");
            let body = json!({ "media_id": media });
            client.put(&format!("{at}/documents/{requirement}"), &body, 200).await;
        }
        let category = self.open_category(client).await;
        client.put(&format!("{at}/shop"), &json!({ "name": shop, "category_id": category }), 200).await;
        self.sign(client, application).await;
    }

    /// Signs the agreement in force.
    pub async fn sign(&self, client: &Client, application: &str) {
        let agreement = client.get("/api/v1/agreements/current", 200).await;
        let body = json!({ "version": agreement.text("/version"), "sha256": agreement.text("/sha256") });
        client.put(&format!("/api/v1/applications/{application}/agreement"), &body, 200).await;
    }

    /// A category that a merchant may choose.
    pub async fn open_category(&self, client: &Client) -> String {
        let tree = client.get("/api/v1/categories", 200).await.json("/items");
        let open = |node: &&Value| node["admission"] == "open" && node["level"] == 3;
        let nodes = tree.as_array().expect("categories");
        let found = nodes.iter().find(open).expect("an open category of the third level");
        found["id"].as_str().expect("its id").to_owned()
    }

    /// Through the whole door: applied, reviewed, approved, and trading when asked.
    pub async fn onboarded_merchant(
        &self,
        provider: &OnboardedProvider,
        email: &str,
        kind: &str,
        shop: &str,
        trading: bool,
    ) -> OnboardedMerchant {
        let (owner, application_id) = self.applicant(provider, email).await;
        self.fill_in(&owner, &application_id, kind, shop).await;
        let at = format!("/api/v1/applications/{application_id}");
        owner.post(&format!("{at}/submit"), &json!({}), 200).await;
        provider.reviewer.post(&format!("{at}/start_review"), &json!({}), 200).await;
        let approved = provider.reviewer.post(&format!("{at}/approve"), &json!({}), 200).await;
        let shop_id = approved.text("/shop_id");
        if trading {
            owner.post(&format!("/api/v1/shops/{shop_id}/start_trading"), &json!({}), 200).await;
        }
        let merchant_id = approved.text("/merchant_id");
        OnboardedMerchant { merchant_id, application_id, shop_id, owner, email: email.to_owned() }
    }
}

/// Step 1 as it is sent.
pub fn subject(kind: &str) -> Value {
    json!({
        "kind": kind,
        "legal_name": "福州山里茶业有限公司",
        "credit_code": (kind != "personal").then_some(CREDIT_CODE),
        "id_card": ID_CARD,
        "contact_name": "林茶",
        "contact_phone": "13800000000",
    })
}
