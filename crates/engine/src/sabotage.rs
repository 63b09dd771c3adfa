//! Breakages on purpose: each makes the engine forget one thing that it enforces, so that `verify` can
//! be tested for noticing. Compiled into debug builds and the feature `sabotage` alone; chosen once
//! at the start of a process, by whoever starts it, and never over the network.

use document::Chapter;

macro_rules! sabotages {
    ($($chapter:ident $variant:ident $words:literal,)*) => {
        /// One thing that the engine can be made to forget.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Sabotage {
            $(#[doc = $words] $variant,)*
        }

        impl Sabotage {
            /// All of them, chapter by chapter.
            pub const ALL: &[Sabotage] = &[$(Sabotage::$variant,)*];

            /// What is broken, in words.
            pub fn words(self) -> &'static str {
                match self {
                    $(Sabotage::$variant => $words,)*
                }
            }

            /// The chapter whose claims it breaks.
            pub fn chapter(self) -> Chapter {
                match self {
                    $(Sabotage::$variant => Chapter::$chapter,)*
                }
            }
        }
    };
}

sabotages! {
    Data ForgetNotNull "a column that is NOT NULL takes NULL",
    Data ForgetUnique "a unique key lets a second row in",
    Data WidenPartialUnique "a unique key with a condition holds for all rows",
    Data ForgetCheck "a check is not looked at",
    Data ForgetExclusion "rows that may not be together are let in",
    Data WidenExclusion "rows that merely touch may not be together",
    Data ForgetLength "text may be longer than its column",
    Data LengthOffByOne "text may be one character longer than its column",
    Data ForgetEnum "an enumerated column takes any word",
    Data ForgetDefault "a constant default is not filled in",
    Data ForgetGenerated "a generated column is not computed",
    Data ForgetForeignKey "a reference may lead nowhere",
    Data CascadeInsteadOfRestrict "a delete takes rows with it that should have stopped it",
    Data RestrictInsteadOfCascade "a delete is stopped by rows that should go with it",
    Data CascadeInsteadOfSetNull "a delete takes rows with it that should only let go",
    Data ForgetNumericScale "a number keeps more digits after its point than it has",
    Data ForgetNumericPrecision "a number may have more digits than its column",
    Data ForgetIntegerRange "a small integer may be large",
    Data ShiftTimestamps "a moment is kept an hour late",
    Data StaleClock "what is filled in as the time now lies a day back",
    Data ForgetTouch "the time of the last change stands still",
    Data LowerText "text is kept in lower case",
    Data NumberBooleans "truths are shown as numbers",
    Data QuoteJson "JSON is shown as text",
    Data DatesAsText "a date column takes any word",
    Data EmptyViews "a view shows no rows",
    Data CacheForgetsWrites "a kept answer outlives the write that made it old",
    Data CacheForgetsFollowers "a kept answer outlives what happens to the rows that follow another",
    Data CacheForgetsAccess "a kept answer is shown to whoever asks",
    Data CacheForgetsTime "a kept answer never ends",
    Data CacheNothing "no answer is kept",
    Data ForgetIndex "an index is not made",
    Data FilterSkipsIndex "a filter is written so that no index serves it",
    Api CreatedSaysOk "a create answers 200",
    Api ForgetLocation "a create does not say where the row is",
    Api DropEnvelope "one row is shown without its envelope",
    Api BareLists "a list is shown without its envelope",
    Api PageOffByOne "the first page begins at the second",
    Api IgnoreLimit "the size of a page is not as asked for",
    Api LimitMaxForgotten "a page may be larger than the largest",
    Api IgnoreSort "rows come in any order",
    Api ReverseSort "rows come in the reverse order",
    Api IgnoreFilter "a filter filters nothing",
    Api BoundaryFilter "`gte` leaves out what is equal",
    Api WrongTotal "the total counts one row too many",
    Api NoNextPage "the last page is always reached",
    Api IgnoreCursor "a cursor leads to the first page",
    Api IgnoreFields "all fields are shown, whichever were asked for",
    Api IgnoreInclude "included rows are left out",
    Api IgnoreSearch "a search finds every row",
    Api IgnoreIfMatch "a change of an old version is taken",
    Api IgnoreIfNoneMatch "an unchanged row is sent again",
    Api ConstantTag "the tag of a row does not change with it",
    Api ReplayTwice "a repeated request with one key is done twice",
    Api MixReplays "one key may be used for another body",
    Api OtherErrorShape "an error body has another shape",
    Api DropErrorDetails "an error does not name its fields",
    Api InvalidSaysUnprocessable "a value error answers 422",
    Api ConflictSaysBadRequest "a conflict answers 400",
    Api MethodSaysNotFound "an unknown method answers 404",
    Api KeepDeletedRow "a delete says it is done and does nothing",
    Api PatchClears "a change empties the fields that it does not name",
    Api PutKeeps "a replacement keeps the fields that it does not name",
    Api BatchNotAtomic "a batch that fails half-way keeps its first half",
    Api NestedNotFiltered "a nested list shows the rows of other parents",
    Api NestedWithoutParent "a nested list of no parent is an empty one",
    Api OtherCase "members are spelled in the other case",
    Api OtherContentType "JSON is called plain text",
    Api AnyContentType "a body of another type is read as JSON",
    Api MalformedBody "what is no JSON is taken for an empty object",
    Api ForgetRequestId "the request's id is not given back",
    Api OpenApiForgetsPaths "the description leaves a path out",
    Security OwnerSkippedOnRead "anybody's row is shown to who may see their own",
    Security OwnerSkippedOnList "lists show everybody's rows",
    Security OwnerSkippedOnInclude "included rows are everybody's",
    Security OwnerSkippedOnFilter "a filtered list shows everybody's rows",
    Security OwnerSkippedOnSearch "a search finds everybody's rows",
    Security OwnerSkippedOnSort "a sorted list shows everybody's rows",
    Security OwnerSkippedOnCount "a total counts everybody's rows",
    Security OwnerSkippedOnNested "a nested list shows everybody's rows",
    Security OwnerSkippedOnUpdate "who may change their own rows may change anybody's",
    Security OwnerSkippedOnDelete "who may delete their own rows may delete anybody's",
    Security OwnerSkippedOnCreate "a row may be made in anybody's name",
    Security OwnerSkippedInBatch "a batch changes anybody's rows",
    Security OwnerSkippedOnTransition "an action moves anybody's row",
    Security OwnerGivenAway "a row may be handed to somebody else",
    Security OwnerNotFilled "a new row does not belong to whoever makes it",
    Security RolesIgnored "what one role may do, every user may",
    Security AdminOpen "what the admin may do, every user may",
    Security ClosedTableOpen "a table that no sentence opens is open",
    Security AnonymousTrusted "what signed-in users may do, anybody may",
    Security RowConditionsIgnored "a rule for some rows holds for all",
    Security NewVersionUnchecked "a row may become what its rule forbids",
    Security EndpointCallersIgnored "who may call an endpoint is not looked at",
    Security GrantForgotten "what a sentence allows is refused",
    Security RoleByUpdate "a user may give themselves a role",
    Security RoleByRegistration "whoever signs up chooses a role",
    Security OtherDefaultRole "whoever signs up gets another role than the document says",
    Security ExpiredTokenAccepted "a token works on after its time",
    Security TokenLivesLonger "a token lives longer than written",
    Security UnsignedTokenAccepted "a token's signature is not looked at",
    Security RefreshNotRotated "a refresh hands the same token out again",
    Security RefreshReused "a refresh token works twice",
    Security ReuseForgiven "a refresh token used twice does not end its session",
    Security LogoutDoesNothing "a session lives on after it was ended",
    Security PasswordUnchecked "any password is right",
    Security PasswordLengthForgotten "a short password is taken",
    Security HashCostLowered "passwords are hashed with less work than written",
    Security OldSessionsKept "a new password leaves the other sessions open",
    Security UserEnumeration "a wrong name is told from a wrong password",
    Security LockoutForgotten "a name is never locked",
    Security LockoutOffByOne "a name is locked one failure late",
    Security WriteOnlyShown "a secret column is shown",
    Security SecretFiltered "rows can be found by a secret column",
    Security SecretSearched "a search looks at secret columns",
    Security HiddenRowInError "a refusal tells what the hidden row holds",
    Security HiddenRowForbidden "a hidden row answers 403",
    Security PlanForEverybody "how rows are read is told to everybody who sees them",
    Security LimitOffByOne "a limit trips one request late",
    Security LimitTripsEarly "a limit trips one request early",
    Security LimitForgotten "a limit never trips",
    Security RetryAfterForgotten "a refusal by a limit does not say when to come again",
    Security BodyLimitForgotten "a body may be of any size",
    Security CorsWidened "every origin is let in",
    Security CorsClosed "a named origin is kept out",
    Security CorsCredentials "other origins are allowed credentials",
    Security ForgetNosniff "no X-Content-Type-Options",
    Security ForgetFrameOptions "no X-Frame-Options",
    Security ForgetReferrerPolicy "no Referrer-Policy",
    Security ForgetContentPolicy "no Content-Security-Policy",
    Security ForgetOpenerPolicy "no Cross-Origin-Opener-Policy",
    Security ForgetResourcePolicy "no Cross-Origin-Resource-Policy",
    Security ForgetCacheControl "no Cache-Control",
    Security ForgetTransportSecurity "no Strict-Transport-Security over HTTPS",
    Messaging OneForbiddenTransition "one transition that is not drawn is allowed",
    Messaging OneTransitionForgotten "one transition that is drawn is refused",
    Messaging StateWritten "the state may be written to anything",
    Messaging ActionFromAnyState "an action works from any state",
    Messaging ActionKeepsState "an action is answered and moves nothing",
    Messaging TransitionRolesIgnored "anybody may follow an arrow that names roles",
    Messaging InitialStateFree "a new row may start in any state",
    Messaging OtherInitialState "a new row starts in another state",
}

impl Sabotage {
    /// Its name on the command line, such as `forget-not-null`.
    pub fn name(self) -> String {
        let mut name = String::new();
        for letter in format!("{self:?}").chars() {
            if letter.is_ascii_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.push(letter.to_ascii_lowercase());
        }
        name
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.name() == name)
    }
}

#[cfg(any(debug_assertions, feature = "sabotage"))]
mod chosen {
    use std::sync::OnceLock;

    use super::Sabotage;

    /// What is broken in this process.
    static CHOSEN: OnceLock<Sabotage> = OnceLock::new();

    /// Breaks one thing for as long as the process lives. The first choice counts.
    pub(crate) fn choose(sabotage: Sabotage) {
        let chosen = CHOSEN.get_or_init(|| sabotage);
        tracing::warn!(
            "SABOTAGED: {} ({}); this process is for tests and must serve nobody",
            chosen.name(),
            chosen.words()
        );
    }

    /// True where this is what is broken.
    pub(crate) fn is(sabotage: Sabotage) -> bool {
        CHOSEN.get() == Some(&sabotage)
    }
}

#[cfg(any(debug_assertions, feature = "sabotage"))]
pub(crate) use chosen::{choose, is};

/// Nothing is broken: every place that asks is compiled away.
#[cfg(not(any(debug_assertions, feature = "sabotage")))]
pub(crate) const fn is(_: Sabotage) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_and_lead_back() {
        let names: HashSet<String> = Sabotage::ALL.iter().map(|one| one.name()).collect();
        assert_eq!(names.len(), Sabotage::ALL.len());
        for one in Sabotage::ALL {
            assert_eq!(Sabotage::named(&one.name()), Some(*one));
        }
    }

    #[test]
    fn nothing_is_broken_unless_chosen() {
        assert!(Sabotage::ALL.iter().all(|one| !is(*one)));
    }

    #[test]
    fn every_sabotage_is_asked_about_somewhere() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut text = String::new();
        gather(&root, &mut text);
        for one in Sabotage::ALL {
            assert!(text.contains(&format!("is(Sabotage::{one:?})")), "{one:?} breaks nothing");
        }
    }

    fn gather(directory: &std::path::Path, text: &mut String) {
        for entry in std::fs::read_dir(directory).expect("sources").flatten() {
            let path = entry.path();
            if path.is_dir() {
                gather(&path, text);
            } else if path.file_name().is_some_and(|name| name != "sabotage.rs") {
                text.push_str(&std::fs::read_to_string(path).expect("a source"));
            }
        }
    }
}
