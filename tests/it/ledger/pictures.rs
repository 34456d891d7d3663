//! The page that shows each flow as a picture: drawn from the worked example, so that no figure on it is anybody's guess.

use qianpu_domain::ledger::names::names_of;
use qianpu_domain::ledger::worked_example::{Chapter, Outcome, worked_example};
use qianpu_domain::ledger::{AccountRef, Journal, Leg, Side};
use qianpu_domain::money::Fen;
use qianpu_tests::workspace;
use std::collections::BTreeMap;
use std::fmt::Write;

const HEAD: &str = "# Flows of money 资金流转图

Each flow of the [ledger](money.md) with the figures of an example. An arrow leads from the account that is debited to the one
that is credited, with the step and the amount; where several accounts meet several others, the journal stands between them.
What the tables say of the accounts is what they hold after the step. F6, what a provider owes the operator, is F1 and F2 in the
operator's own book. This page is written by a test (`ledger::pictures`) from the example that is posted to both databases.

每种业务的流转图与样例金额：箭头由借方科目指向贷方科目，标注步骤与金额；多借多贷的凭证单独画出。表中余额为该步骤之后的余额。
F6（服务商应付运营方的费用）即运营方账簿中的 F1 与 F2。本页由测试根据样例生成，样例在两种数据库上逐分核对。
";

fn chinese(chapter: &str) -> &'static str {
    match chapter {
        "F1 a subscription" => "套餐订阅",
        "F1 invoices that are not paid" => "未付账单",
        "F2 metered use" => "按量计费",
        "2900 receipts" => "待认领款",
        "F3 an order with commission" => "含佣金的订单",
        "F3 fees of others" => "第三方扣费",
        "F4 a refund after settlement" => "结算后退款",
        "F4 with nothing left" => "余额不足的结算后退款",
        "F4 with every source" => "多来源的结算后退款",
        "F5 a deposit" => "保证金",
        "F5 a deduction beyond it" => "超出保证金的扣款",
        other => panic!("{other} has no Chinese name here"),
    }
}

fn yuan(fen: i64) -> String {
    let (sign, fen) = (if fen < 0 { "-" } else { "" }, fen.abs());
    format!("{sign}{}.{:02}", fen / 100, fen % 100)
}

/// A chapter's accounts, each a box of the picture.
#[derive(Default)]
struct Boxes(Vec<AccountRef>);

impl Boxes {
    fn of(&mut self, account: &AccountRef) -> String {
        let at = self.0.iter().position(|known| known == account).unwrap_or_else(|| {
            self.0.push(account.clone());
            self.0.len() - 1
        });
        format!("a{at}")
    }

    fn drawn(&self) -> String {
        let mut drawn = String::new();
        for (at, account) in self.0.iter().enumerate() {
            let (code, owner) = (account.code, &account.owner);
            let owner = if owner.is_empty() { String::new() } else { format!("<br/>{owner}") };
            let (number, zh, en) = (code.number(), code.name_zh(), code.name_en());
            writeln!(drawn, "    a{at}[\"{number} {zh}<br/>{en}{owner}\"]").unwrap();
        }
        drawn
    }
}

fn on(journal: &Journal, side: Side) -> Vec<&Leg> {
    journal.legs().iter().filter(|leg| leg.side == side).collect()
}

/// The arrows of a step.
fn arrows(boxes: &mut Boxes, no: usize, journal: &Journal) -> String {
    let (debits, credits) = (on(journal, Side::Debit), on(journal, Side::Credit));
    let mut drawn = String::new();
    let mut arrow = |from: &str, to: &str, fen: Fen| {
        writeln!(drawn, "    {from} -->|\"{no}: {}\"| {to}", yuan(fen.get())).unwrap();
    };
    match (debits.as_slice(), credits.as_slice()) {
        ([from], several) => {
            let from = boxes.of(&from.account);
            several.iter().for_each(|leg| arrow(&from, &boxes.of(&leg.account), leg.amount));
        }
        (several, [to]) => {
            let to = boxes.of(&to.account);
            several.iter().for_each(|leg| arrow(&boxes.of(&leg.account), &to, leg.amount));
        }
        (several, others) => {
            let between = format!("j{no}");
            several.iter().for_each(|leg| arrow(&boxes.of(&leg.account), &between, leg.amount));
            others.iter().for_each(|leg| arrow(&between, &boxes.of(&leg.account), leg.amount));
            writeln!(drawn, "    {between}((\"{no}\"))").unwrap();
        }
    }
    drawn
}

fn legs(legs: &[&Leg]) -> String {
    let each = legs.iter().map(|leg| format!("{} {}", leg.account.code.number(), yuan(leg.amount.get())));
    each.collect::<Vec<_>>().join(", ")
}

fn drawn(page: &mut String, chapter: &Chapter) {
    writeln!(page, "\n## {} {}\n\n```mermaid\nflowchart LR", chapter.name, chinese(chapter.name)).unwrap();
    let (mut boxes, mut picture, mut table) = (Boxes::default(), String::new(), String::new());
    for (no, step) in (1..).zip(&chapter.steps) {
        let (en, zh) = names_of(step.journal.code());
        let after = match step.outcome {
            Outcome::Booked(holds) => {
                picture += &arrows(&mut boxes, no, &step.journal);
                let mut after: BTreeMap<(i64, &str), String> = BTreeMap::new();
                for (number, owner, fen) in holds {
                    after.insert((*number, *owner), format!("{number} {}", yuan(*fen)));
                }
                after.into_values().collect::<Vec<_>>().join(", ")
            }
            Outcome::Refused(by) => format!("refused 拒绝: {}", by.number()),
        };
        let (debits, credits) = (on(&step.journal, Side::Debit), on(&step.journal, Side::Credit));
        let (name, debits, credits) = (step.name, legs(&debits), legs(&credits));
        writeln!(table, "| {no} | {name} | {zh} {en} | {debits} | {credits} | {after} |").unwrap();
    }
    *page += &boxes.drawn();
    *page += &picture;
    *page += "```\n\n| | Step 步骤 | Journal 凭证 | Debit 借 | Credit 贷 | After it 之后余额 |\n|---|---|---|---|---|---|\n";
    *page += &table;
}

#[test]
fn the_page_of_flows_is_the_worked_example() {
    let mut page = HEAD.to_owned();
    for chapter in worked_example().unwrap() {
        drawn(&mut page, &chapter);
    }
    let path = workspace::root().join("docs/money_flows.md");
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/money_flows.md is not the worked example; write it with INSTA_UPDATE=always"
    );
}
