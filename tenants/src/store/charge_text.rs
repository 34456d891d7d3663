//! Charges of plans as they are stored: JSON with prices in fen for a million units.

use crate::error::{StoreError, StoreResult};
use qianpu_domain::billing::{Charge, Pricing, Step, Tier};
use qianpu_domain::money::Fen;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Stored {
    metric: String,
    name_zh: String,
    name_en: String,
    pricing: StoredPricing,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "snake_case")]
enum StoredPricing {
    PerUnit { free: i64, price: i64 },
    Graduated { tiers: Vec<StoredTier> },
    Volume { tiers: Vec<StoredTier> },
    Package { free: i64, size: i64, fee: i64 },
}

#[derive(Serialize, Deserialize)]
struct StoredTier {
    up_to: Option<i64>,
    price: i64,
    fee: i64,
}

#[derive(Serialize, Deserialize)]
struct StoredStep {
    from: i64,
    to: i64,
    count: i64,
    price: i64,
    fee: i64,
}

fn stored_tiers(tiers: &[Tier]) -> Vec<StoredTier> {
    let stored = |tier: &Tier| StoredTier { up_to: tier.up_to, price: tier.price.get(), fee: tier.fee.get() };
    tiers.iter().map(stored).collect()
}

fn tiers(stored: Vec<StoredTier>) -> Vec<Tier> {
    let tier =
        |tier: StoredTier| Tier { up_to: tier.up_to, price: Fen::new(tier.price), fee: Fen::new(tier.fee) };
    stored.into_iter().map(tier).collect()
}

fn to_stored(charge: &Charge) -> Stored {
    let pricing = match &charge.pricing {
        Pricing::PerUnit { free, price } => StoredPricing::PerUnit { free: *free, price: price.get() },
        Pricing::Graduated { tiers } => StoredPricing::Graduated { tiers: stored_tiers(tiers) },
        Pricing::Volume { tiers } => StoredPricing::Volume { tiers: stored_tiers(tiers) },
        Pricing::Package { free, size, fee } => {
            StoredPricing::Package { free: *free, size: *size, fee: fee.get() }
        }
    };
    let (metric, name_zh, name_en) = (charge.metric.clone(), charge.name_zh.clone(), charge.name_en.clone());
    Stored { metric, name_zh, name_en, pricing }
}

fn from_stored(stored: Stored) -> Charge {
    let pricing = match stored.pricing {
        StoredPricing::PerUnit { free, price } => Pricing::PerUnit { free, price: Fen::new(price) },
        StoredPricing::Graduated { tiers: stored } => Pricing::Graduated { tiers: tiers(stored) },
        StoredPricing::Volume { tiers: stored } => Pricing::Volume { tiers: tiers(stored) },
        StoredPricing::Package { free, size, fee } => Pricing::Package { free, size, fee: Fen::new(fee) },
    };
    Charge { metric: stored.metric, name_zh: stored.name_zh, name_en: stored.name_en, pricing }
}

fn text<T: Serialize>(rows: &[T]) -> StoreResult<String> {
    serde_json::to_string(rows).map_err(|_| StoreError::Corrupt("charges"))
}

pub(crate) fn charges_text(charges: &[Charge]) -> StoreResult<String> {
    text(&charges.iter().map(to_stored).collect::<Vec<_>>())
}

pub(crate) fn charges_from(text: &str) -> StoreResult<Vec<Charge>> {
    let stored: Vec<Stored> = serde_json::from_str(text).map_err(|_| StoreError::Corrupt("charges"))?;
    Ok(stored.into_iter().map(from_stored).collect())
}

pub(crate) fn steps_text(steps: &[Step]) -> StoreResult<String> {
    let stored = |step: &Step| StoredStep {
        from: step.from,
        to: step.to,
        count: step.count,
        price: step.price.get(),
        fee: step.fee.get(),
    };
    text(&steps.iter().map(stored).collect::<Vec<_>>())
}

pub(crate) fn steps_from(text: &str) -> StoreResult<Vec<Step>> {
    let stored: Vec<StoredStep> =
        serde_json::from_str(text).map_err(|_| StoreError::Corrupt("usage_lines.steps"))?;
    let step = |step: StoredStep| Step {
        from: step.from,
        to: step.to,
        count: step.count,
        price: Fen::new(step.price),
        fee: Fen::new(step.fee),
    };
    Ok(stored.into_iter().map(step).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charges_are_stored_as_they_are() {
        let tiers = vec![
            Tier { up_to: Some(10), price: Fen::ZERO, fee: Fen::new(3) },
            Tier { up_to: None, price: Fen::new(4_500_000), fee: Fen::ZERO },
        ];
        let charges: Vec<Charge> = [
            Pricing::PerUnit { free: 7, price: Fen::new(1) },
            Pricing::Graduated { tiers: tiers.clone() },
            Pricing::Volume { tiers },
            Pricing::Package { free: 0, size: 1_000, fee: Fen::new(3_000) },
        ]
        .into_iter()
        .map(|pricing| Charge {
            metric: pricing.model().to_owned(),
            name_zh: "短信".to_owned(),
            name_en: "SMS".to_owned(),
            pricing,
        })
        .collect();
        let text = charges_text(&charges).unwrap();
        assert_eq!(charges_from(&text).unwrap(), charges);
        // The word of a model in storage is the one of the API.
        assert!(
            charges.iter().all(|charge| text.contains(&format!("\"model\":\"{}\"", charge.pricing.model())))
        );
        assert!(charges_from("[{}]").is_err() && charges_from("").is_err());
        assert_eq!(charges_from("[]").unwrap(), []);
    }
}
