//! Categories ([`crate::category`]) and brands ([`crate::brand`]) under one capability.

use crate::{WechatStore, brand, category};
use qianpu_sdk::{
    Answer, ApplicationStanding, ApprovedCategory, Brand, BrandApplication, BrandName, BrandWish,
    CategoryPlace, CategoryTerms, CategoryWish, Context, Page, Qualifications, Turn,
};

macro_rules! operations {
    ($($start:ident, $resume:ident($($input:ident: $type:ty)?) -> $out:ty = $module:ident, $first:ident, $then:ident;)*) => {
        $(
            fn $start(&self, cx: &Context<'_>, $($input: $type)?) -> Turn<$out> {
                $module::$first(cx, $($input)?)
            }
            fn $resume(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<$out> {
                $module::$then(cx, state, answers)
            }
        )*
    };
}

impl Qualifications for WechatStore {
    operations! {
        send_documents, resume_send_documents(documents: &[String]) -> Vec<String> = category, send, resume_send;
        approved_categories, resume_approved_categories() -> Vec<ApprovedCategory> =
            category, approved, resume_approved;
        search_categories, resume_search_categories(words: &str) -> Vec<CategoryPlace> =
            category, search, resume_search;
        category_terms, resume_category_terms(category_id: &str) -> CategoryTerms = category, terms, resume_terms;
        apply_for_category, resume_apply_for_category(wanted: &CategoryWish) -> String =
            category, apply, resume_apply;
        category_application, resume_category_application(application_id: &str) -> ApplicationStanding =
            category, one, resume_one;
        withdraw_category, resume_withdraw_category(application_id: &str) -> () =
            category, withdraw, resume_withdraw;
        brands, resume_brands(cursor: Option<&str>) -> Page<Brand> = brand, list, resume_list;
        brand, resume_brand(brand_id: &str) -> Option<Brand> = brand, one, resume_one;
        known_brands, resume_known_brands(cursor: Option<&str>) -> Page<BrandName> = brand, known, resume_known;
        apply_for_brand, resume_apply_for_brand(wanted: &BrandWish) -> String = brand, apply, resume_apply;
        withdraw_brand, resume_withdraw_brand(wanted: &BrandApplication) -> () = brand, withdraw, resume_withdraw;
        delete_brand, resume_delete_brand(brand_id: &str) -> () = brand, delete, resume_delete;
    }
}
