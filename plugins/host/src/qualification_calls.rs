//! Categories and brands of an account, with the account's token.

use crate::drive::Host;
use crate::refresh::turn;
use crate::vault::AccountRef;
use qianpu_sdk::{
    ApplicationStanding, ApprovedCategory, Brand, BrandApplication, BrandName, BrandWish, CategoryPlace,
    CategoryTerms, CategoryWish, ChannelError, Page,
};

macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident, $resume:ident($($input:ident: $type:ty)?) -> $out:ty = $operation:literal;)*) => {
        impl Host {
            $(
                $(#[$doc])*
                pub async fn $name(&self, account: &AccountRef, $($input: $type)?) -> Result<$out, ChannelError> {
                    self.account_operation(
                        account,
                        $operation,
                        |channel, cx| turn(channel.qualifications(), "qualifications", |c| c.$name(cx, $($input)?)),
                        |channel, cx, state, answers| {
                            turn(channel.qualifications(), "qualifications", |c| c.$resume(cx, state, answers))
                        },
                    )
                    .await
                }
            )*
        }
    };
}

calls! {
    /// Sends documents; the channel's ids of them in the same order.
    send_documents, resume_send_documents(documents: &[String]) -> Vec<String> = "qualification.send";
    /// Categories the shop was approved for.
    approved_categories, resume_approved_categories() -> Vec<ApprovedCategory> = "category.approved";
    /// Categories whose name has these words.
    search_categories, resume_search_categories(words: &str) -> Vec<CategoryPlace> = "category.search";
    /// What a category asks for and costs.
    category_terms, resume_category_terms(category_id: &str) -> CategoryTerms = "category.terms";
    /// Applies for a category; the channel's id of the application.
    apply_for_category, resume_apply_for_category(wanted: &CategoryWish) -> String = "category.apply";
    /// Where an application for a category stands.
    category_application, resume_category_application(application_id: &str) -> ApplicationStanding =
        "category.application";
    /// Withdraws an application for a category.
    withdraw_category, resume_withdraw_category(application_id: &str) -> () = "category.withdraw";
    /// One page of the shop's brands.
    brands, resume_brands(cursor: Option<&str>) -> Page<Brand> = "brand.list";
    /// One brand of the shop; nothing when the shop does not have it.
    brand, resume_brand(brand_id: &str) -> Option<Brand> = "brand.fetch";
    /// One page of the brands that the channel knows.
    known_brands, resume_known_brands(cursor: Option<&str>) -> Page<BrandName> = "brand.known";
    /// Applies for a brand; the channel's id of the application.
    apply_for_brand, resume_apply_for_brand(wanted: &BrandWish) -> String = "brand.apply";
    /// Withdraws an application for a brand.
    withdraw_brand, resume_withdraw_brand(wanted: &BrandApplication) -> () = "brand.withdraw";
    /// Takes a brand away from the shop.
    delete_brand, resume_delete_brand(brand_id: &str) -> () = "brand.delete";
}
