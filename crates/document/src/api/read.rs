//! Reads the api chapter's statements into claims.

use indexmap::IndexSet;

use super::{
    Api, Binding, Endpoint, Method, Nested, Operation, TOGGLE, base,
    bind::{Bound, bind},
    collect::collect,
    contracts,
    describe::describe,
    draft::Draft,
    envelope, examples, graphql,
    merge::{Merged, merge, places},
    names,
    openapi::{Specification, specifications},
    path::{self, Segment},
    report,
    samples::{Sample, Shows, samples},
    scope::Scopes,
    tables::Tables,
    views,
};
use crate::{
    Chapter, ClaimKind, Class, Enforcement, compile::Reading, outline::NodeKind, security::People,
    statement::Claim, system::System,
};

/// Adds what the document says to the system, and classes each statement it understands.
pub(crate) fn read(reading: &mut Reading<'_>, system: &mut System) {
    let scopes = Scopes::of(reading.outline);
    let mut drafts = collect(reading.outline, &scopes);
    describe(reading.outline, &mut drafts);
    let specifications = specifications(reading.outline);
    for specification in &specifications {
        drafts.extend(specification.drafts(reading.outline, &scopes));
    }
    name_people(reading, system, &mut drafts);
    check_contracts(reading, &specifications, &drafts);
    let views = views::as_tables(&system.data);
    let tables = Tables::new(&system.data, &system.messaging.machines, &views);
    let (patterns, drafts): (Vec<Draft>, Vec<Draft>) = drafts
        .into_iter()
        .partition(|draft| draft.is_pattern || names_nothing(&tables, &draft.path));
    let merged = merge(drafts, &mut reading.diagnostics);
    let bound: Vec<(Merged, Bound)> = merged
        .into_iter()
        .map(|one| {
            let bound = with_query(&one, bind(&tables, one.draft.method, &one.draft.path));
            (one, bound)
        })
        .collect();
    reading.diagnostics.extend(report::unbound(&tables, &bound));
    claim_paths(reading, &scopes, &patterns);
    let mut api = Api { title: title(reading), ..Api::default() };
    api.base = base::of(&scopes, &bound);
    let samples = samples(reading.outline, &bound);
    envelope::shapes(&samples, &mut api, &mut reading.diagnostics);
    for sample in samples.iter().filter(|sample| sample.is_general) {
        claim_sample(reading, sample);
    }
    contracts::error_schema(&specifications, &samples, &mut reading.diagnostics);
    check_paths(reading, system.data.tables.is_empty(), &patterns, &bound);
    for (one, bound) in bound {
        claim(reading, &one, &bound.binding);
        api.endpoints.push(endpoint(one.draft, bound.binding));
    }
    examples::check(reading.sources, &system.data, &api, &mut reading.diagnostics);
    let spelled = examples::spelled(&system.data, &api);
    api.json_case = envelope::case(spelled.iter().map(|(name, known)| (name.as_str(), *known)));
    envelope::page_parameters(&mut api);
    system.api = api;
}

/// Classes patterns and statements of a base path.
fn claim_paths(reading: &mut Reading<'_>, scopes: &Scopes, patterns: &[Draft]) {
    for pattern in patterns {
        reading.ledger.class(
            pattern.span,
            "line",
            Class::Placeholder,
            format!("`{}` is a pattern, not an endpoint", pattern.path),
        );
    }
    for base in scopes.bases() {
        let words = format!(
            "endpoints stand under `{}`",
            if base.path.is_empty() { "/" } else { &base.path }
        );
        let claim = Claim::new(ClaimKind::Route, Chapter::Api, words).about("setting:api.base");
        reading.ledger.bind(base.span, "line", claim);
    }
}

/// Gateway routes that lead nowhere; without tables, keys of bodies that differ in type.
fn check_paths(
    reading: &mut Reading<'_>,
    is_without_tables: bool,
    patterns: &[Draft],
    bound: &[(Merged, Bound)],
) {
    let paths: Vec<_> = bound
        .iter()
        .map(|(one, _)| (one.draft.path.clone(), one.draft.span))
        .chain(patterns.iter().map(|pattern| (pattern.path.clone(), pattern.span)))
        .collect();
    contracts::routes(reading.outline, &paths, &mut reading.diagnostics);
    if is_without_tables {
        let bodies: Vec<_> = patterns
            .iter()
            .chain(bound.iter().map(|(one, _)| &one.draft))
            .flat_map(|draft| &draft.responses)
            .map(|example| (example.body.clone(), example.span))
            .collect();
        contracts::key_type(reading.outline, &bodies, &mut reading.diagnostics);
    }
}

/// Takes the people that the words after an endpoint name for its callers.
fn name_people(reading: &Reading<'_>, system: &System, drafts: &mut [Draft]) {
    let people = People::of(reading.outline, &system.data);
    for draft in drafts.iter_mut().filter(|draft| draft.callers.is_none() && !draft.is_mention) {
        let words = draft.summary.as_deref();
        draft.callers = words.and_then(|words| people.beside(words, draft.span));
    }
}

fn claim_sample(reading: &mut Reading<'_>, sample: &Sample) {
    let (kind, words) = match sample.shows {
        Shows::Error => (ClaimKind::ErrorShape, "how errors look"),
        _ => (ClaimKind::Envelope, "how bodies are wrapped"),
    };
    reading.ledger.bind(sample.span, "fence", Claim::new(kind, Chapter::Api, words));
}

/// The query fence under an endpoint is what a read runs, and what anything unbound runs.
fn with_query(one: &Merged, bound: Bound) -> Bound {
    let runs = match bound.binding {
        Binding::Unbound { .. } => true,
        Binding::Table { .. } => one.draft.method == Method::Get,
        _ => false,
    };
    match &one.draft.query {
        Some((sql, parameters, span)) if runs => Bound {
            binding: Binding::Query {
                sql: sql.clone(),
                parameters: parameters.clone(),
                span: *span,
            },
            missing: None,
        },
        _ => bound,
    }
}

fn endpoint(draft: Draft, binding: Binding) -> Endpoint {
    Endpoint {
        method: draft.method,
        path: draft.path,
        summary: draft.summary,
        binding,
        callers: draft.callers,
        request: draft.request,
        responses: draft.responses,
        parameters: draft.parameters,
        form: draft.form,
        span: draft.span,
    }
}

/// What the contracts in the document lack in themselves.
fn check_contracts(
    reading: &mut Reading<'_>,
    specifications: &[Specification<'_>],
    drafts: &[Draft],
) {
    let components: IndexSet<(String, String)> =
        specifications.iter().flat_map(Specification::components).collect();
    for specification in specifications {
        specification.check_servers(&mut reading.diagnostics);
        specification.check_references(&components, &mut reading.diagnostics);
    }
    let schema = graphql::schema(reading.outline);
    schema.check_types(&mut reading.diagnostics);
    let routes: Vec<_> =
        drafts.iter().map(|draft| (draft.method, draft.path.clone(), draft.span)).collect();
    schema.check_parity(&routes, &mut reading.diagnostics);
}

/// True where the path still names the template's resource: `/api/resource`.
fn names_nothing(tables: &Tables<'_>, path: &str) -> bool {
    let first = path::segments(path)
        .into_iter()
        .find(|segment| !matches!(segment, Segment::Word(word) if path::is_prefix_word(word)));
    let Some(Segment::Word(word)) = first else { return false };
    let is_generic = matches!(
        names::normal(word).as_str(),
        "resource" | "entity" | "endpoint" | "your_resource" | "resource_name" | "xxx" | "foo"
    );
    is_generic && tables.find(word).is_none()
}

fn title(reading: &Reading<'_>) -> String {
    reading
        .outline
        .nodes
        .iter()
        .find_map(|node| match &node.kind {
            NodeKind::Heading { inline, .. } => Some(inline.trimmed().to_owned()),
            _ => None,
        })
        .unwrap_or_default()
}

/// Records every place of an endpoint as a claim.
fn claim(reading: &mut Reading<'_>, one: &Merged, binding: &Binding) {
    let endpoint = format!("{} {}", one.draft.method.word(), one.draft.path);
    let enforcement = match binding {
        Binding::Unbound { .. } => Enforcement::NotYet,
        _ => Enforcement::Enforced,
    };
    let meaning = format!("`{endpoint}` {}", meaning(binding));
    for example in one.draft.request.iter().chain(&one.draft.responses) {
        let words = format!("an example of `{endpoint}`");
        let claim = Claim::new(ClaimKind::Example, Chapter::Api, words)
            .about(format!("endpoint:{endpoint}"))
            .enforced(enforcement);
        reading.ledger.bind(example.span, "fence", claim);
    }
    if let Some((_, _, span)) = &one.draft.query {
        let claim = Claim::new(ClaimKind::Endpoint, Chapter::Api, meaning.clone())
            .about(format!("endpoint:{endpoint}"))
            .enforced(enforcement);
        reading.ledger.bind(*span, "fence", claim);
    }
    for span in places(one) {
        let claim = Claim::new(ClaimKind::Endpoint, Chapter::Api, meaning.clone())
            .about(format!("endpoint:{endpoint}"))
            .enforced(enforcement);
        reading.ledger.bind(span, "line", claim);
    }
}

/// What an endpoint does, in words.
fn meaning(binding: &Binding) -> String {
    match binding {
        Binding::Table { table, operation, nested, filters, .. } => {
            let verb = match operation {
                Operation::List => "lists",
                Operation::Get => "gives one of",
                Operation::Create => "adds to",
                Operation::Replace => "replaces one of",
                Operation::Update => "changes one of",
                Operation::Delete => "removes one of",
            };
            let mut words = format!("{verb} `{table}`");
            match nested {
                Some(nested) if nested.parameter == Nested::ME => words.push_str(" of the caller"),
                Some(nested) => words.push_str(&format!(" of one of `{}`", nested.parent)),
                None => {}
            }
            for (column, value) in filters {
                words.push_str(&format!(" where `{column}` is `{value}`"));
            }
            words
        }
        Binding::Transition { table, action, column, target, .. } => {
            let becomes = if target == TOGGLE { "its opposite" } else { target };
            format!("does `{action}` on one of `{table}`: `{column}` becomes `{becomes}`")
        }
        Binding::BuiltIn { .. } => "is built in".to_owned(),
        Binding::Query { .. } => "runs the query under it".to_owned(),
        Binding::Unbound { .. } => "binds to nothing and answers 501".to_owned(),
    }
}
