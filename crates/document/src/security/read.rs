//! Reads the security chapter: who users are, which roles there are, and who may do what.

use crate::{
    Chapter, ClaimKind,
    compile::Reading,
    data::Data,
    security::{
        Identity,
        access::{Access, Permission},
        closed, contradictions, endpoints, identity,
        levels::Levels,
        matrices::{self, Matrices},
        moves, own_only,
        owners::{self, Ownership},
        phrases::Nouns,
        policies::Policies,
        role_definitions,
        roles::RoleBook,
        vocabulary::TableNames,
        yaml_roles,
    },
    statement::Claim,
    system::System,
};

/// Adds what the document says to the system, and classes each statement it understands.
pub(crate) fn read(reading: &mut Reading<'_>, system: &mut System) {
    let identity = identity::identity(&system.data);
    let ownership = owners::owners(&system.data, &identity);
    let book = roles(reading, system, &identity);
    endpoints::resolve_callers(&mut system.api, &book, &mut reading.diagnostics);
    let moves = moves::resolve(&mut system.messaging.machines, &book, &mut reading.diagnostics);
    let mut permissions = lists(reading, system, &identity, &ownership, &book);
    let (from_policies, restrictions) =
        Policies { data: &system.data, identity: &identity, book: &book, ownership: &ownership }
            .read(reading);
    permissions.extend(from_policies);
    bind_all_endpoints(reading, system);
    permissions.extend(
        system
            .api
            .endpoints
            .iter()
            .flat_map(|endpoint| endpoints::permissions(endpoint, &system.data.tables, &ownership)),
    );
    permissions.extend(moves);
    contradictions::report(&permissions, &mut reading.diagnostics);
    permissions.sort_by_key(|permission| (permission.span.file, permission.span.start));

    let security = &mut system.security;
    security.role_default = role_default(&book, &system.data, &identity);
    let access = Access {
        data: &system.data,
        identity: &identity,
        role_default: security.role_default.as_deref(),
        ownership: &ownership,
        restrictions: &restrictions,
    };
    security.grants = access.grants(&permissions, &mut reading.diagnostics);
    identity::report_roles_table(&system.data, &identity, &mut reading.diagnostics);
    security.identity = identity;
    closed::report(&system.data, security, &ownership, &mut reading.diagnostics);
    security.roles = book.roles;
    security.owners = ownership.owners;
}

/// Permissions of lists and tables; callers that a table gives to endpoints go to these.
fn lists(
    reading: &mut Reading<'_>,
    system: &mut System,
    identity: &Identity,
    ownership: &Ownership,
    book: &RoleBook,
) -> Vec<Permission> {
    let names = TableNames::new(&system.data);
    let nouns = Nouns {
        data: &system.data,
        names: &names,
        machines: &system.messaging.machines,
        endpoints: &system.api.endpoints,
        identity,
    };
    let mut permissions = Levels { book, nouns: &nouns, ownership }.read(reading);
    let paths = matrices::paths(nouns.endpoints);
    let said = Matrices { book, nouns: &nouns, paths: &paths }.read(reading);
    permissions.extend(said.permissions);
    permissions.extend(yaml_roles::read(reading, book, &nouns));
    permissions.extend(own_only::read(reading, &nouns, ownership));
    for (index, callers) in said.callers {
        if let Some(endpoint) = system.api.endpoints.get_mut(index) {
            match &mut endpoint.callers {
                Some(known) => known.narrow(&callers),
                None => endpoint.callers = Some(callers),
            }
        }
    }
    permissions
}

/// The roles, each place that defines one bound.
fn roles(reading: &mut Reading<'_>, system: &System, identity: &Identity) -> RoleBook {
    let found = role_definitions::find(reading.outline, &system.data, identity);
    let mut definitions = found.definitions;
    definitions.extend(role_definitions::used(system, identity));
    let mut book = RoleBook::new(found.closed, definitions);
    book.elsewhere = found.elsewhere;
    book
}

fn role_default(book: &RoleBook, data: &Data, identity: &Identity) -> Option<String> {
    let column = match identity {
        Identity::Table { table, role: Some(role), .. } => {
            data.table(table).and_then(|table| table.column(role))
        }
        _ => None,
    };
    book.default(column.and_then(|column| column.default.as_ref()))
}

/// Applies the sentence about all endpoints.
fn bind_all_endpoints(reading: &mut Reading<'_>, system: &mut System) {
    let Some(sentence) = endpoints::all_endpoints(reading.outline) else { return };
    let count = sentence.apply(&mut system.api);
    let meaning = format!("{count} endpoints without words of their own need identity");
    reading.ledger.bind(
        sentence.span,
        "sentence",
        Claim::new(ClaimKind::Access, Chapter::Security, meaning),
    );
}
