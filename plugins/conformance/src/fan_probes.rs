//! Operations about followers, tags and notices, with ordinary input.

use crate::probes::{Probe, json, opaque};
use qianpu_sdk::{Channel, NoticeOutcome, TagMark, TagName, TemplateKind, TemplateNotice};
use std::collections::BTreeMap;

pub(crate) fn probes(channel: &dyn Channel) -> Vec<Probe<'_>> {
    let mut probes: Vec<Probe<'_>> = Vec::new();
    macro_rules! probe {
        ($name:literal, $start:expr, $resume:expr) => {
            probes.push(Probe { name: $name, start: Box::new($start), resume: Box::new($resume) })
        };
    }
    if let Some(fans) = channel.fans() {
        probe!("fan.list", |c| json(fans.list(c, None), |_| false), |c, s, a| json(
            fans.resume_list(c, s, a),
            |_| false
        ));
        let people = vec!["o1".to_owned(), "o2".to_owned()];
        let same = people.clone();
        probe!("fan.details", move |c| json(fans.details(c, &people), |_| false), |c, s, a| json(
            fans.resume_details(c, s, a),
            |_| false
        ));
        probe!("fan.tags", |c| json(fans.tags(c), |_| false), |c, s, a| json(
            fans.resume_tags(c, s, a),
            |_| false
        ));
        probe!("fan.create_tag", |c| json(fans.create_tag(c, "老客"), |_| false), |c, s, a| json(
            fans.resume_create_tag(c, s, a),
            |_| false
        ));
        let tag = TagName { id: "100".to_owned(), name: "新客".to_owned() };
        probe!("fan.rename_tag", move |c| opaque(fans.rename_tag(c, &tag)), |c, s, a| opaque(
            fans.resume_rename_tag(c, s, a)
        ));
        probe!("fan.delete_tag", |c| opaque(fans.delete_tag(c, "100")), |c, s, a| opaque(
            fans.resume_delete_tag(c, s, a)
        ));
        let mark = TagMark { tag_id: "100".to_owned(), open_ids: same, on: true };
        probe!("fan.mark", move |c| opaque(fans.mark(c, &mark)), |c, s, a| opaque(fans.resume_mark(c, s, a)));
    }
    if let Some(templates) = channel.templates() {
        probe!("template.list", |c| json(templates.list(c, TemplateKind::Template), |_| false), |c, s, a| {
            json(templates.resume_list(c, s, a), |_| false)
        });
        let notice = TemplateNotice {
            kind: TemplateKind::Template,
            template_id: "t1".to_owned(),
            fields: BTreeMap::from([("thing1".to_owned(), "明前龙井".to_owned())]),
            url: Some("https://shop.example/".to_owned()),
            key: "1".to_owned(),
        };
        let unsure = |outcome: &NoticeOutcome| !matches!(outcome, NoticeOutcome::Sent { .. });
        probe!(
            "template.send",
            move |c| json(templates.send(c, "o1", &notice), unsure),
            move |c, s, a| json(templates.resume_send(c, s, a), unsure)
        );
    }
    probes
}
