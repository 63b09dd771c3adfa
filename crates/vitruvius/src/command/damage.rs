//! What a sabotage does damage to: which findings of `verify` are about it. A system that is refuted
//! for another reason has not been seen through.

use ::verify::Trial;
use document::Statement;
use engine::sabotage::Sabotage;

/// True where a broken trial is about what the sabotage breaks: it speaks for a claim of its
/// chapter, or for what every system promises, and expected what no longer holds.
pub(super) fn is_shown_by(sabotage: Sabotage, trial: &Trial, statements: &[Statement]) -> bool {
    let mut covered = statements.iter().filter(|one| trial.about.covers(one)).peekable();
    let is_promise = covered.peek().is_none();
    let is_of_chapter = is_promise
        || covered.any(|one| one.chapter == Some(sabotage.chapter()))
        || may_stand_elsewhere(sabotage);
    let words = words(sabotage);
    let said = |word: &&str| trial.expected.contains(*word) || trial.about.words().contains(*word);
    is_of_chapter && (words.is_empty() || words.iter().any(said))
}

/// What the api promises is tried on tables, and who may do what on endpoints, views and states.
fn may_stand_elsewhere(sabotage: Sabotage) -> bool {
    use document::Chapter as C;
    matches!(sabotage.chapter(), C::Api | C::Security | C::Messaging)
}

/// Words of which one stands in what was expected; any will do where there are none.
fn words(sabotage: Sabotage) -> &'static [&'static str] {
    use Sabotage as S;
    match sabotage {
        S::ForgetNotNull => &["null is refused"],
        S::ForgetUnique => &["a second row with the same"],
        S::WidenPartialUnique => &["the condition leaves out may share"],
        S::ForgetCheck => &["not listed", "check", "refused"],
        S::ForgetExclusion => &["a row that overlaps with another is refused"],
        S::WidenExclusion => &["a row that touches another is taken"],
        S::ForgetLength | S::LengthOffByOne => &["characters is refused"],
        S::ForgetEnum => &["a word that is not listed"],
        // A required value that nothing fills in is missing from a row that should fit.
        S::ForgetDefault => &["a row without it holds", "a row that fits is taken"],
        S::ForgetGenerated => &["it is computed from its row"],
        S::ForgetForeignKey => &["a reference to nothing"],
        S::CascadeInsteadOfRestrict => &["cannot go as long as", "and the other stays"],
        S::RestrictInsteadOfCascade => &["the other row may go"],
        S::CascadeInsteadOfSetNull => &["refers to nothing then"],
        S::ForgetNumericScale => &["number"],
        S::ForgetNumericPrecision => &["a digit too many"],
        S::ForgetIntegerRange => &["one more than the largest", "one less than the smallest"],
        S::ShiftTimestamps => &["a moment"],
        S::StaleClock | S::ForgetTouch => &["the time of its", "moves with a change"],
        S::LowerText => &["a value is kept"],
        S::NumberBooleans => &["true is taken", "false is taken"],
        S::QuoteJson => &["a value is kept"],
        S::DatesAsText => &["a day that no month has", "day"],
        S::EmptyViews => &["its query selects"],
        S::ForgetIndex => &["the database has an index"],
        S::FilterSkipsIndex => &["can be answered by it"],
        _ => words_of_api(sabotage),
    }
}

fn words_of_api(sabotage: Sabotage) -> &'static [&'static str] {
    use Sabotage as S;
    match sabotage {
        S::CreatedSaysOk => &["201"],
        S::ForgetLocation => &["`Location`"],
        S::BareLists => &["lists rows", "listed", "sample"],
        S::PageOffByOne => &["page", "finds the row", "find", "lists"],
        S::IgnoreLimit => &["of one row holds one row", "at most"],
        S::LimitMaxForgotten => &["a page holds at most"],
        S::IgnoreSort | S::ReverseSort => &["`sort="],
        S::IgnoreFilter | S::BoundaryFilter => &["filter"],
        S::WrongTotal => &["tells how many", "counts"],
        S::NoNextPage => &["more follow", "page"],
        S::IgnoreCursor => &["a cursor leads"],
        S::IgnoreFields => &["`fields="],
        S::IgnoreInclude => &["`include="],
        S::IgnoreSearch => &["search"],
        S::IgnoreIfMatch => &["old version"],
        S::IgnoreIfNoneMatch => &["304"],
        S::ConstantTag => &["the tag changes"],
        S::ReplayTwice => &["repeated"],
        S::MixReplays => &["the same key with another body"],
        S::OtherErrorShape => &["is answered so", "the refusal has"],
        S::DropErrorDetails => &["with its details"],
        S::InvalidSaysUnprocessable => &["400"],
        S::ConflictSaysBadRequest => &["409"],
        S::MethodSaysNotFound => &["a method that it does not know"],
        S::KeepDeletedRow => &["the row is gone", "is gone"],
        S::PatchClears => &["it sets `", "keeps everything"],
        S::PutKeeps => &["a replacement without"],
        S::BatchNotAtomic => &["nothing of it is done"],
        S::NestedNotFiltered => &["below another parent", "the parent's rows alone"],
        S::NestedWithoutParent => &["a parent that is not there"],
        S::OtherContentType => &["JSON is called so"],
        S::AnyContentType => &["a body of another type"],
        S::MalformedBody => &["what is no JSON"],
        S::ForgetRequestId => &["`X-Request-Id`"],
        S::OpenApiForgetsPaths => &["OpenAPI"],
        _ => words_of_access(sabotage),
    }
}

fn words_of_access(sabotage: Sabotage) -> &'static [&'static str] {
    use Sabotage as S;
    match sabotage {
        S::OwnerSkippedOnRead => &["no sentence shows them"],
        S::OwnerSkippedOnList => &["list leaves out what is hidden"],
        S::OwnerSkippedOnInclude => &["not included"],
        S::OwnerSkippedOnFilter => &["a filter neither finds"],
        S::OwnerSkippedOnSearch => &["a search does not find"],
        S::OwnerSkippedOnSort => &["the sorted list leaves out"],
        S::OwnerSkippedOnCount => &["nor counts"],
        S::OwnerSkippedOnNested => &["a nested list leaves out"],
        S::OwnerSkippedOnUpdate => &["to change"],
        S::OwnerSkippedOnDelete => &["to delete is refused"],
        S::OwnerSkippedInBatch => &["a batch does not"],
        S::OwnerSkippedOnTransition => &["to move stays"],
        S::OwnerNotFilled => &["belongs to whoever makes it"],
        S::GrantForgotten => &["theirs to", "what they see", "they see", "is let in", "is allowed"],
        S::RoleByUpdate | S::RoleByRegistration => &["nobody gives themselves a role"],
        S::HiddenRowForbidden => &["answers 404", "404"],
        S::PlanForEverybody => &["no plan is told"],
        S::TokenLivesLonger => &["a token lives"],
        S::ExpiredTokenAccepted => &["expired", "after its time", "has ended"],
        S::UnsignedTokenAccepted => &["an altered token"],
        S::RefreshNotRotated | S::RefreshReused | S::ReuseForgiven => &["a refresh token"],
        S::LogoutDoesNothing => &["signing out"],
        S::PasswordUnchecked => &["a wrong password"],
        S::PasswordLengthForgotten => &["a password of"],
        S::UserEnumeration => &["an unknown name"],
        S::LockoutForgotten | S::LockoutOffByOne => &["failures"],
        S::OldSessionsKept => &["another session has ended"],
        S::WriteOnlyShown => &["shows it"],
        S::SecretFiltered => &["narrowed by it"],
        S::SecretSearched => &["looks at it"],
        S::LimitOffByOne | S::LimitForgotten => &["is refused"],
        S::LimitTripsEarly => &["requests go through"],
        S::RetryAfterForgotten => &["when to come again"],
        S::BodyLimitForgotten => &["bytes are refused"],
        S::CorsWidened => &["not named is kept out"],
        S::CorsClosed => &["is let in"],
        S::CorsCredentials => &["credentials"],
        S::ForgetNosniff => &["x-content-type-options"],
        S::ForgetFrameOptions => &["x-frame-options"],
        S::ForgetReferrerPolicy => &["referrer-policy"],
        S::ForgetContentPolicy => &["content-security-policy"],
        S::ForgetOpenerPolicy => &["cross-origin-opener-policy"],
        S::ForgetResourcePolicy => &["cross-origin-resource-policy"],
        S::ForgetCacheControl => &["cache-control"],
        S::ForgetTransportSecurity => &["strict-transport-security"],
        S::OneForbiddenTransition | S::ActionFromAnyState | S::StateWritten => &["does not become"],
        S::OneTransitionForgotten | S::ActionKeepsState => &["becomes"],
        S::TransitionRolesIgnored => &["does not move"],
        S::InitialStateFree => &["makes no row"],
        S::OtherInitialState => &["a new row is"],
        _ => &[],
    }
}
