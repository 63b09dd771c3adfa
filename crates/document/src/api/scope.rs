//! What a place in the document lends to the endpoints written there: a path prefix, and whether
//! they are ours at all.

use std::collections::HashMap;

use super::{line, path};
use crate::{
    outline::{Node, NodeId, NodeKind, Outline, heading_words},
    source::Span,
};

/// Prefixes and foreign sections of a document.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    /// By heading: the path in the heading itself.
    of_heading: HashMap<NodeId, String>,
    /// `Base URL: …` statements: the section they hold for, and the path.
    bases: Vec<Base>,
    /// Hosts that the document calls its own.
    pub(super) own_hosts: Vec<String>,
    /// By heading: other people's API.
    foreign: HashMap<NodeId, bool>,
}

/// `Base URL: …`.
#[derive(Debug, Clone)]
pub(super) struct Base {
    /// The heading of the section it holds for; the whole document where there is none.
    pub(super) section: Option<NodeId>,
    /// The path, such as `/api/v1`; may be empty.
    pub(super) path: String,
    /// Where it is written.
    pub(super) span: Span,
}

impl Scopes {
    /// Reads the headings and base statements of a document.
    pub(super) fn of(outline: &Outline) -> Self {
        let mut scopes = Scopes::default();
        let mut title = String::new();
        for (id, node) in outline.nodes.iter().enumerate() {
            if let NodeKind::Heading { inline, level } = &node.kind {
                let around = node.section.is_some_and(|section| scopes.is_foreign(Some(section)));
                let words = heading_words(&inline.text);
                if *level == 1 {
                    title.push_str(&words);
                }
                // A document about a product may bear a service's name in its title.
                let is_foreign = *level > 1 && names_foreign_api(&words, &title);
                scopes.foreign.insert(id, around || is_foreign);
                if let Some(prefix) = heading_prefix(&inline.text) {
                    scopes.of_heading.insert(id, prefix);
                }
            }
        }
        for id in 0..outline.nodes.len() {
            scopes.read_base(outline, id);
        }
        scopes
    }

    /// All base statements in the order of the text.
    pub(super) fn bases(&self) -> &[Base] {
        &self.bases
    }

    /// True where the section describes other people's API.
    pub(super) fn is_foreign(&self, section: Option<NodeId>) -> bool {
        section.and_then(|section| self.foreign.get(&section)).copied().unwrap_or(false)
    }

    /// The path as it stands under the headings and base statements above `node`.
    pub(super) fn absolute(&self, outline: &Outline, node: NodeId, relative: &str) -> String {
        let mut sections = Vec::new();
        let mut at = match &outline.nodes[node].kind {
            NodeKind::Heading { .. } => Some(node),
            _ => outline.nodes[node].section,
        };
        while let Some(section) = at {
            sections.push(section);
            at = outline.nodes[section].section;
        }
        let mut found = relative.to_owned();
        let heading = sections.iter().find_map(|section| self.of_heading.get(section));
        if let Some(prefix) = heading
            && !contains_path(&found, prefix)
            && path::version_prefix(&found).is_empty()
        {
            found = path::join(prefix, &found);
        }
        let base = sections
            .iter()
            .find_map(|section| self.bases.iter().find(|base| base.section == Some(*section)))
            .or_else(|| self.document_base());
        match base {
            Some(base) if !is_operational(&found) && !contains_path(&found, &base.path) => {
                with_base(&base.path, &found)
            }
            _ => found,
        }
    }

    /// The statement that holds where no nearer one does: one without a section, else the only
    /// path that the document states.
    fn document_base(&self) -> Option<&Base> {
        let global = self.bases.iter().find(|base| base.section.is_none());
        let first = self.bases.first()?;
        global.or_else(|| self.bases.iter().all(|base| base.path == first.path).then_some(first))
    }

    fn read_base(&mut self, outline: &Outline, id: NodeId) {
        let node = &outline.nodes[id];
        if self.is_foreign(node.section) {
            return;
        }
        let Some((found, span)) = base_statement(outline, id) else { return };
        let Some(read) = path::read(&found) else { return };
        if let Some(host) = read.host {
            if is_vendor_host(&host) {
                if let Some(section) = node.section {
                    self.mark_foreign(outline, section);
                }
                return;
            }
            self.own_hosts.push(host);
        }
        // `/api/v1/...` is a base with everything below it.
        let fixed = read.text.split('/').take_while(|piece| !piece.contains(['.', '*', '…', '{']));
        let text = fixed.collect::<Vec<_>>().join("/");
        let path = if read.is_pattern { text } else { read.text };
        let path = if path == "/" { String::new() } else { path };
        let section = base_section(outline, id);
        if !self.bases.iter().any(|base| base.section == section) {
            self.bases.push(Base { section, path, span });
        }
    }

    fn mark_foreign(&mut self, outline: &Outline, section: NodeId) {
        for (id, node) in outline.nodes.iter().enumerate().skip(section) {
            if id != section && !matches!(node.kind, NodeKind::Heading { .. }) {
                continue;
            }
            let inside = id == section || node.section.is_some_and(|s| self.is_foreign(Some(s)));
            if id != section && !inside {
                break;
            }
            self.foreign.insert(id, true);
        }
    }
}

/// A base path joined: a path that already leads with a version or `api` stays as it is.
fn with_base(base: &str, found: &str) -> String {
    let own = path::version_prefix(found);
    if own.is_empty() || base.is_empty() {
        return path::join(base, found);
    }
    // `/v1/users` under `/api` is `/api/v1/users`; under `/api/v1` it overlaps.
    if path::version_prefix(base) == base && !own.starts_with("/api") {
        return path::join(base, found);
    }
    found.to_owned()
}

fn contains_path(found: &str, prefix: &str) -> bool {
    let tail = prefix.trim_end_matches('/');
    !tail.is_empty() && format!("{found}/").contains(&format!("{tail}/"))
}

/// Health checks and the like stand at the root whatever the base is.
fn is_operational(path: &str) -> bool {
    matches!(
        path,
        "/health"
            | "/healthz"
            | "/ready"
            | "/readyz"
            | "/live"
            | "/livez"
            | "/metrics"
            | "/ping"
            | "/openapi.json"
            | "/docs"
            | "/.well-known/jwks.json"
    )
}

/// `Auth Routes (/api/auth)` gives `/api/auth`; a heading that names a method gives nothing.
fn heading_prefix(text: &str) -> Option<String> {
    if !line::mentions(text).is_empty() {
        return None;
    }
    let at = text.find('/').filter(|&at| {
        text[..at].chars().next_back().is_none_or(|c| c.is_whitespace() || "(`[:—–-".contains(c))
    })?;
    let (raw, range) = line::whole_path(&text[at..])?;
    let rest = text[at + range.end..].trim_matches([' ', ')', '`', ']', '*', '/', '.', ':']);
    if raw.len() < 2 || rest.contains('/') {
        return None;
    }
    let raw = raw.trim_end_matches('*').trim_end_matches('/');
    let read = path::read(raw)?;
    (!read.is_pattern && read.text.len() > 1).then_some(read.text)
}

const BASE_WORDS: &[&str] = &[
    "base url",
    "base path",
    "base uri",
    "base endpoint",
    "api prefix",
    "url prefix",
    "api base",
    "route prefix",
    "path prefix",
    "prefixed with",
    "prefixed by",
    "relative to",
    "api root",
    "root url",
    "url base",
    "basis-url",
    "базовый url",
    "基础路径",
    "基础url",
    "base_url:",
    "globaler prefix",
    "global prefix",
];

/// The URL or path of a base statement in this node.
fn base_statement(outline: &Outline, id: NodeId) -> Option<(String, Span)> {
    match &outline.nodes[id].kind {
        NodeKind::Paragraph(inline) | NodeKind::Item { inline, .. } => {
            let at = base_word(&inline.text)?;
            match first_address(&inline.text[at..]) {
                Some((raw, range)) => Some((raw, inline.span_of(at + range.start..at + range.end))),
                None => address_after(outline, id, inline.text.lines().count() <= 1),
            }
        }
        NodeKind::Heading { inline, .. } => {
            let words = heading_words(&inline.text);
            let is_base = words.len() < 40 && base_word(&words).is_some();
            is_base.then(|| address_after(outline, id, true)).flatten()
        }
        NodeKind::Row { cells } => {
            let first = cells.first()?;
            if first.text.chars().count() > 30 || base_word(&first.text).is_none() {
                return None;
            }
            let cell = cells.get(1)?;
            let (raw, range) = first_address(&cell.text)?;
            Some((raw, cell.span_of(range)))
        }
        NodeKind::Fence(fence) => {
            let at = fence.text.lines().take(40).find_map(|text| {
                let base = base_word(text).filter(|&base| base < 12)?;
                let offset = text.as_ptr() as usize - fence.text.as_ptr() as usize;
                Some((offset + base, text.len() - base))
            })?;
            let line = fence.text.get(at.0..at.0 + at.1)?;
            let (raw, range) = first_address(line)?;
            Some((raw, fence.span_of(at.0 + range.start..at.0 + range.end)))
        }
        _ => None,
    }
}

fn base_word(text: &str) -> Option<usize> {
    let lower = text.to_lowercase();
    if lower.len() != text.len() {
        return BASE_WORDS.iter().any(|word| lower.contains(word)).then_some(0);
    }
    BASE_WORDS.iter().filter_map(|word| lower.find(word)).min()
}

/// The first URL or path of a text.
fn first_address(text: &str) -> Option<(String, std::ops::Range<usize>)> {
    text.char_indices().find_map(|(at, c)| {
        let before = text[..at].chars().next_back();
        let begins = (c == '/' || text[at..].starts_with("http"))
            && before.is_none_or(|c| c.is_whitespace() || "`(\"'=：:*".contains(c));
        let (raw, range) = begins.then(|| line::whole_path(&text[at..])).flatten()?;
        Some((raw, at + range.start..at + range.end))
    })
}

/// The address in the block or list right after a heading or a label.
fn address_after(outline: &Outline, id: NodeId, is_label: bool) -> Option<(String, Span)> {
    if !is_label {
        return None;
    }
    for node in outline.nodes.iter().skip(id + 1).take(4) {
        match &node.kind {
            NodeKind::Heading { .. } => return None,
            NodeKind::Fence(fence) => {
                if fence.text.lines().any(|line| !line::mentions(line).is_empty()) {
                    return None;
                }
                let (raw, range) = first_address(&fence.text)?;
                return Some((raw, fence.span_of(range)));
            }
            NodeKind::Paragraph(inline) | NodeKind::Item { inline, .. } => {
                if !line::mentions(&inline.text).is_empty() {
                    return None;
                }
                if let Some((raw, range)) = first_address(&inline.text) {
                    return Some((raw, inline.span_of(range)));
                }
            }
            _ => {}
        }
    }
    None
}

/// The section that a base statement holds for: its own; one level up where the heading is about
/// the base itself or about generalities.
fn base_section(outline: &Outline, id: NodeId) -> Option<NodeId> {
    let node = &outline.nodes[id];
    let section = match &node.kind {
        NodeKind::Heading { .. } => Some(id),
        _ => node.section,
    }?;
    let heading: &Node = &outline.nodes[section];
    let NodeKind::Heading { inline, .. } = &heading.kind else { return None };
    let words = heading_words(&inline.text);
    let is_general = base_word(&words).is_some()
        || [
            "overview",
            "general",
            "introduction",
            "convention",
            "common",
            "basics",
            "server",
            "environment",
            "version",
            "principle",
            "standard",
            "configuration",
            "design",
        ]
        .iter()
        .any(|word| words.contains(word));
    let up = if is_general { heading.section } else { Some(section) };
    // The document's title holds for everything.
    match up.map(|up| (up, &outline.nodes[up].kind)) {
        Some((_, NodeKind::Heading { level: 1, .. })) => None,
        Some((up, _)) => Some(up),
        None => None,
    }
}

/// True for headings over other people's APIs.
fn names_foreign_api(words: &str, title: &str) -> bool {
    const FOREIGN: &[&str] = &[
        "external api",
        "external service",
        "external integration",
        "external system",
        "external dependenc",
        "third-party",
        "third party",
        "3rd party",
        "3rd-party",
        "внешн",
        "外部",
        "apis externas",
        "externe api",
    ];
    if FOREIGN.iter().any(|foreign| words.contains(foreign)) {
        return true;
    }
    let vendor = VENDORS.iter().any(|vendor| {
        words.split(|c: char| !c.is_alphanumeric()).any(|word| word == *vendor)
            && !title.contains(vendor)
    });
    vendor
        && (words.contains("api")
            || words.contains("integration")
            || words.contains("service")
            || words.split_whitespace().count() == 1)
}

/// True where the host belongs to a well-known service.
pub(super) fn is_vendor_host(host: &str) -> bool {
    host.split(['.', ':']).any(|label| {
        VENDORS.contains(&label) || matches!(label, "googleapis" | "amazonaws" | "fcm")
    })
}

/// Services whose endpoints documents list beside their own.
const VENDORS: &[&str] = &[
    "stripe",
    "twilio",
    "sendgrid",
    "paypal",
    "razorpay",
    "openai",
    "anthropic",
    "mailgun",
    "mapbox",
    "plaid",
    "shopify",
    "github",
    "gitlab",
    "slack",
    "discord",
    "telegram",
    "whatsapp",
    "facebook",
    "instagram",
    "linkedin",
    "twitter",
    "google",
    "openweathermap",
    "openweather",
    "cloudinary",
    "firebase",
    "auth0",
    "okta",
    "clerk",
    "braintree",
    "square",
    "adyen",
    "klarna",
    "mollie",
    "hubspot",
    "salesforce",
    "zendesk",
    "intercom",
    "mixpanel",
    "segment",
    "sentry",
    "datadog",
    "pagerduty",
    "algolia",
    "elevenlabs",
    "deepgram",
    "huggingface",
    "replicate",
    "gemini",
    "claude",
    "msg91",
    "onesignal",
    "resend",
    "postmark",
    "brevo",
    "openemr",
    "apollo",
    "serpapi",
    "notion",
    "airtable",
    "zoom",
    "dropbox",
    "fitbit",
    "strava",
    "spotify",
    "tmdb",
    "usps",
    "fedex",
    "ups",
    "dhl",
    "xero",
    "quickbooks",
    "docusign",
    "calendly",
    "microsoft",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sources;

    fn check(text: &str, relative: &str, expected: &str) {
        let sources = Sources::single("a.md", text);
        let outline = Outline::of(&sources);
        let scopes = Scopes::of(&outline);
        let last = outline.nodes.len() - 1;
        assert_eq!(scopes.absolute(&outline, last, relative), expected, "{text}");
    }

    #[test]
    fn a_heading_lends_its_path() {
        check("### Auth Routes (`/api/auth`)\n\ntext\n", "/register", "/api/auth/register");
        check("### Users — `/users`\n\ntext\n", "/users/{id}", "/users/{id}");
        check("### Users `/api/users`\n\ntext\n", "/users/{id}", "/api/users/{id}");
        check("### Input/output\n\ntext\n", "/x", "/x");
        check("### Cards `/api/cards`\n\n#### Limits\n\ntext\n", "/", "/api/cards");
    }

    #[test]
    fn a_base_statement_holds_for_its_section() {
        let text =
            "# T\n\n## API\n\n**Base URL:** `https://api.acme.dev/v2`\n\n### Users\n\ntext\n";
        check(text, "/users", "/v2/users");
        check(text, "/v2/users", "/v2/users");
        check(text, "/health", "/health");
        check(
            "# T\n\n## Base URL\n\n```\nhttps://x.dev/api/v1\n```\n\n## A\n\nt\n",
            "/a",
            "/api/v1/a",
        );
        let two = "# T\n\n## A\n\nBase URL: `/a`\n\n## B\n\n- **Base URL**: `/b`\n";
        check(two, "/x", "/b/x");
    }

    #[test]
    fn other_peoples_sections_are_foreign() {
        for (heading, expected) in [
            ("External APIs", true),
            ("Stripe API", true),
            ("Payment Integration (Stripe)", true),
            ("Orders API", false),
            ("Stripe webhooks we receive and the many things they do", false),
        ] {
            let sources = Sources::single("a.md", &format!("## {heading}\n\ntext\n"));
            let scopes = Scopes::of(&Outline::of(&sources));
            assert_eq!(scopes.is_foreign(Some(0)), expected, "{heading}");
        }
    }
}
