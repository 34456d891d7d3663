//! Scores of shops by day, and where each shop stands with the raised quota of linked accounts that follows from them.

use crate::run::makes_its_tables;
use crate::{Access, Table};

makes_its_tables!("m0020_scores");

pub(crate) fn tables() -> Vec<Table> {
    let tenant = Table::PLAIN;
    vec![
        Table {
            name: "shop_scores",
            columns: "
                tenant_id uuid NOT NULL,
                shop_id uuid NOT NULL,
                day text NOT NULL,
                description bigint NOT NULL CONSTRAINT shop_scores_description_check CHECK (description BETWEEN 100 AND 500),
                service bigint NOT NULL CONSTRAINT shop_scores_service_check CHECK (service BETWEEN 100 AND 500),
                logistics bigint NOT NULL CONSTRAINT shop_scores_logistics_check CHECK (logistics BETWEEN 100 AND 500),
                source text NOT NULL CONSTRAINT shop_scores_source_check CHECK (source IN ('page', 'api', 'file')),
                recorded_by text NOT NULL,
                recorded_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, shop_id, day),
                CONSTRAINT shop_scores_shop_fkey FOREIGN KEY (tenant_id, shop_id) REFERENCES shops (tenant_id, id)",
            ..tenant.clone()
        },
        Table {
            name: "shop_link_standings",
            access: Access::ProviderReads,
            columns: "
                tenant_id uuid NOT NULL,
                shop_id uuid NOT NULL,
                provider_id uuid NOT NULL,
                state text NOT NULL CONSTRAINT shop_link_standings_state_check CHECK (state IN ('standard', 'raised', 'falling')),
                falls_on text,
                rule_word text NOT NULL,
                evaluated_on text NOT NULL,
                changed_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, shop_id),
                CONSTRAINT shop_link_standings_shop_fkey FOREIGN KEY (tenant_id, shop_id) REFERENCES shops (tenant_id, id)",
            ..tenant
        },
    ]
}
