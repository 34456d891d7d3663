//! Charges for use, as plans carry them.

use crate::error::{Answer, ApiError};
use crate::http::wire::Money;
use qianpu_domain::billing::{Charge, Pricing, Step, Tier};
use qianpu_domain::error::FieldError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Units after the tier before it, up to its end.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChargeTier {
    /// Its last unit; null in the last tier.
    up_to: Option<i64>,
    /// For a million units.
    price_per_million: Money,
    /// Once, when a unit falls into it.
    fee: Money,
}

/// What is charged for use. The fields beside the names follow from the model.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlanCharge {
    /// What is counted. `orders` is counted here; everything else is reported.
    #[schema(example = "sms")]
    metric: String,
    name_zh: String,
    name_en: String,
    /// `per_unit`, `graduated`, `volume` or `package`.
    #[schema(example = "per_unit")]
    model: String,
    /// Units that cost nothing: of `per_unit` and `package`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    free: Option<i64>,
    /// For a million units: of `per_unit`. 4.5 fen a unit are 4500000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    price_per_million: Option<Money>,
    /// Units of a package: of `package`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<i64>,
    /// For each package: of `package`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    package_fee: Option<Money>,
    /// Of `graduated` and `volume`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tiers: Option<Vec<ChargeTier>>,
}

impl PlanCharge {
    /// What it says, with the path of the field in the request for what is wrong.
    pub(super) fn charge(self, at: usize) -> Answer<Charge> {
        let path = |field: &str| format!("charges.{at}.{field}");
        let missing = |field: &str| ApiError::field(FieldError::required(path(field)));
        let fen = |money: Option<Money>, field: &str| {
            money.ok_or_else(|| missing(field)).and_then(|money| money.fen(&path(field)))
        };
        let tiers = |tiers: Option<Vec<ChargeTier>>| -> Answer<Vec<Tier>> {
            let tiers = tiers.ok_or_else(|| missing("tiers"))?;
            let tier = |(at, tier): (usize, ChargeTier)| {
                Ok(Tier {
                    up_to: tier.up_to,
                    price: tier.price_per_million.fen(&path(&format!("tiers.{at}.price_per_million")))?,
                    fee: tier.fee.fen(&path(&format!("tiers.{at}.fee")))?,
                })
            };
            tiers.into_iter().enumerate().map(tier).collect()
        };
        let given = [
            ("free", self.free.is_some()),
            ("price_per_million", self.price_per_million.is_some()),
            ("size", self.size.is_some()),
            ("package_fee", self.package_fee.is_some()),
            ("tiers", self.tiers.is_some()),
        ];
        let (own, pricing): (&[&str], _) = match self.model.as_str() {
            "per_unit" => (&["free", "price_per_million"], {
                let price = fen(self.price_per_million, "price_per_million")?;
                Pricing::PerUnit { free: self.free.unwrap_or_default(), price }
            }),
            "graduated" => (&["tiers"], Pricing::Graduated { tiers: tiers(self.tiers)? }),
            "volume" => (&["tiers"], Pricing::Volume { tiers: tiers(self.tiers)? }),
            "package" => (&["free", "size", "package_fee"], {
                let size = self.size.ok_or_else(|| missing("size"))?;
                let fee = fen(self.package_fee, "package_fee")?;
                Pricing::Package { free: self.free.unwrap_or_default(), size, fee }
            }),
            _ => {
                let (en, zh) =
                    ("per_unit, graduated, volume or package", "应为 per_unit、graduated、volume 或 package");
                return Err(ApiError::field(FieldError::new(path("model"), "unknown", en, zh)));
            }
        };
        if let Some((field, _)) = given.iter().find(|(field, is)| *is && !own.contains(field)) {
            let (en, zh) = ("this model has no such field", "该计价方式没有这一项");
            return Err(ApiError::field(FieldError::new(path(field), "not_allowed", en, zh)));
        }
        Ok(Charge { metric: self.metric, name_zh: self.name_zh, name_en: self.name_en, pricing })
    }
}

impl From<Charge> for PlanCharge {
    fn from(charge: Charge) -> Self {
        let model = charge.pricing.model().to_owned();
        let mut made = Self {
            metric: charge.metric,
            name_zh: charge.name_zh,
            name_en: charge.name_en,
            model,
            free: None,
            price_per_million: None,
            size: None,
            package_fee: None,
            tiers: None,
        };
        match charge.pricing {
            Pricing::PerUnit { free, price } => {
                (made.free, made.price_per_million) = (Some(free), Some(price.into()));
            }
            Pricing::Package { free, size, fee } => {
                (made.free, made.size, made.package_fee) = (Some(free), Some(size), Some(fee.into()));
            }
            Pricing::Graduated { tiers } | Pricing::Volume { tiers } => {
                let tier = |tier: Tier| ChargeTier {
                    up_to: tier.up_to,
                    price_per_million: tier.price.into(),
                    fee: tier.fee.into(),
                };
                made.tiers = Some(tiers.into_iter().map(tier).collect());
            }
        }
        made
    }
}

/// A part of a line: so many of what is counted, each at a price, and a fee.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChargeStep {
    /// Units before it.
    from: i64,
    /// Units with it.
    to: i64,
    /// Units, or packages.
    count: i64,
    /// For a million of what it counts.
    price_per_million: Money,
    fee: Money,
}

impl From<Step> for ChargeStep {
    fn from(step: Step) -> Self {
        Self {
            from: step.from,
            to: step.to,
            count: step.count,
            price_per_million: step.price.into(),
            fee: step.fee.into(),
        }
    }
}

/// Charges of a request, each with its place in it.
pub(super) fn read_charges(charges: Vec<PlanCharge>) -> Answer<Vec<Charge>> {
    charges.into_iter().enumerate().map(|(at, charge)| charge.charge(at)).collect()
}
