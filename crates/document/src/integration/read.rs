//! Reads the integration chapter's statements into claims: other people's services and the
//! gateway's routes.

use super::{GatewayRoute, Service};
use crate::{
    Chapter, Claim, ClaimKind, Enforcement,
    compile::Reading,
    outline::{Inline, Mark, NodeKind},
    placeholder,
    system::System,
    unit::{self, Unit, near, units},
};

const CONTEXT: &[&str] = &[
    "external service",
    "third-party",
    "third party",
    "external integration",
    "external system",
    "integrations",
    "supporting technolog",
    "external dependenc",
    "external api",
    "integration points",
];
const NOT_CONTEXT: &[&str] = &["librar", "package", "test", "internal", "risk", "failure"];

/// Adds what the document says to the system, and classes each statement it understands.
pub(crate) fn read(reading: &mut Reading<'_>, system: &mut System) {
    let outline = reading.outline;
    let cover = reading.ledger.cover();
    let mut contexts = unit::Contexts::new(outline);
    for unit in units(outline) {
        if unit.fence.is_some() || unit.form == "heading" || cover.knows(unit.span) {
            continue;
        }
        let context = contexts.of(unit.node);
        if near(&context, 2, &["gateway", "routing", "routes", "reverse proxy"])
            && let Some(route) = route(&unit)
        {
            bind_route(reading, system, &unit, route);
            continue;
        }
        if near(&context, 2, NOT_CONTEXT) {
            continue;
        }
        let found = match unit.form {
            "row" => row(&unit, &context),
            "item" if near(&context, 1, CONTEXT) => item(&unit, reading),
            "item" => detail(&unit, &context, system),
            _ => None,
        };
        if let Some(service) = found {
            bind(reading, system, &unit, service);
        }
    }
}

/// A table of services: its first header says so.
fn row(unit: &Unit<'_>, context: &[String]) -> Option<Service> {
    let header = unit.header.first()?.text.trim().to_lowercase();
    let names = ["service", "integration", "provider", "external service", "system", "third-party"];
    let about = unit.column(&["purpose", "description", "usage", "used for", "role"]);
    let tells = unit
        .column(&[
            "criticality",
            "fallback",
            "integration method",
            "technology",
            "provider",
            "auth",
            "timeout",
            "data flow",
        ])
        .is_some();
    let fits = names.iter().any(|name| header.starts_with(name))
        && (near(context, 2, CONTEXT) || near(context, 2, &["dependenc", "technolog"]) && tells);
    let name = unit.cells.first()?.trimmed().trim_matches('`');
    if !fits || name.is_empty() || placeholder::is_name(name) {
        return None;
    }
    let text = |cell: Option<&Inline>| {
        cell.map(|cell| cell.trimmed().to_owned())
            .filter(|text| !matches!(text.as_str(), "" | "-" | "—"))
    };
    Some(Service {
        name: name.to_owned(),
        purpose: text(about),
        authentication: text(unit.column(&["auth"])),
        fallback: text(unit.column(&["fallback", "on failure", "degrad"])),
        span: unit.span,
    })
}

/// `- **Stripe**: payments` under a heading about other people's services.
fn item(unit: &Unit<'_>, reading: &Reading<'_>) -> Option<Service> {
    let NodeKind::Item { inline, .. } = &reading.outline.nodes.get(unit.node)?.kind else {
        return None;
    };
    let marked = inline.parts.first().is_some_and(|part| matches!(part.mark, Mark::Strong));
    let (label, value) = unit.label_value()?;
    let words = label.text.split_whitespace().count();
    let capital = label.text.starts_with(|c: char| c.is_uppercase());
    if !marked || words > 4 || !capital || placeholder::is_name(label.text) {
        return None;
    }
    let generic = [
        "authentication",
        "rate limit",
        "error handling",
        "purpose",
        "integration type",
        "fallback",
        "endpoint",
        "timeout",
        "retry",
        "data",
        "method",
        "type",
        "note",
        "usage",
        "responsib",
        "protocol",
        "probability",
        "impact",
        "mitigation",
        "owner",
        "status",
        "features",
        "cost",
    ];
    let lower = label.text.to_lowercase();
    if generic.iter().any(|word| lower.starts_with(word)) {
        return None;
    }
    Some(Service {
        name: label.text.to_owned(),
        purpose: (!value.text.is_empty()).then(|| value.text.to_owned()),
        authentication: None,
        fallback: None,
        span: unit.span,
    })
}

/// `Authentication:` or `Fallback:` under a service's own heading or bullet.
fn detail(unit: &Unit<'_>, context: &[String], system: &mut System) -> Option<Service> {
    if !near(context, 4, CONTEXT) {
        return None;
    }
    let (label, value) = unit.label_value()?;
    let lower = label.text.to_lowercase();
    let authentication = lower.starts_with("auth");
    let fallback = lower.starts_with("fallback") || lower.starts_with("error handling");
    let purpose = lower.starts_with("purpose") || lower.starts_with("integration type");
    let name = context.first().filter(|name| !CONTEXT.iter().any(|word| name.contains(word)))?;
    if value.text.is_empty() || !(authentication || fallback || purpose) {
        return None;
    }
    let text = Some(value.text.to_owned());
    let known =
        system.integration.services.iter_mut().find(|service| service.name.to_lowercase() == *name);
    if let Some(known) = known {
        // The service is there already: this tells more about it.
        if authentication {
            known.authentication = text;
        } else if fallback {
            known.fallback = text;
        } else {
            known.purpose = known.purpose.take().or(text);
        }
        return Some(Service { span: unit.span, ..known.clone() });
    }
    Some(Service {
        name: name.clone(),
        purpose: text.clone().filter(|_| purpose),
        authentication: text.clone().filter(|_| authentication),
        fallback: text.filter(|_| fallback),
        span: unit.span,
    })
}

fn bind(reading: &mut Reading<'_>, system: &mut System, unit: &Unit<'_>, service: Service) {
    let claim =
        Claim::new(ClaimKind::Service, Chapter::Integration, format!("service `{}`", service.name))
            .about(format!("service:{}", service.name))
            .enforced(Enforcement::NotYet);
    reading.ledger.bind(unit.span, unit.form, claim);
    let name = service.name.to_lowercase();
    if !system.integration.services.iter().any(|known| known.name.to_lowercase() == name) {
        system.integration.services.push(service);
    }
}

/// `` `/api/v1/documents` → Document Service ``, or a row of path and service.
fn route(unit: &Unit<'_>) -> Option<GatewayRoute> {
    let (path, service) = match unit.cells {
        [] => {
            let text = unit.text();
            let arrow = ["→", "->", "=>", "➜"]
                .iter()
                .find_map(|arrow| text.find(arrow).map(|at| (at, arrow.len())))?;
            (&text[..arrow.0], &text[arrow.0 + arrow.1..])
        }
        _ => {
            let path = unit.column(&["path", "route", "prefix", "endpoint"])?.trimmed();
            (path, unit.column(&["service", "target", "upstream", "backend"])?.trimmed())
        }
    };
    let path = path.trim().trim_matches(['`', '*']).trim();
    let service = service.trim().trim_matches(['`', '*']).trim();
    let is_path = path.starts_with('/') && !path.contains(char::is_whitespace);
    (is_path && !service.is_empty() && service.len() < 80).then(|| GatewayRoute {
        path: path.to_owned(),
        service: service.to_owned(),
        span: unit.span,
    })
}

fn bind_route(
    reading: &mut Reading<'_>,
    system: &mut System,
    unit: &Unit<'_>,
    route: GatewayRoute,
) {
    let claim = Claim::new(
        ClaimKind::Route,
        Chapter::Integration,
        format!("gateway route `{}` to {}", route.path, route.service),
    )
    .about(format!("route:{}", route.path))
    .enforced(Enforcement::NotYet);
    reading.ledger.bind(unit.span, unit.form, claim);
    system.integration.routes.push(route);
}
