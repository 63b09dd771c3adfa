//! Rows of the lexicon: settings of the security chapter.

use super::super::entry::{Entry, Form};
use crate::Chapter::Security;

const TOKENS: &[&str] =
    &["auth", "token", "security", "session", "jwt", "login", "identity", "credential"];

const FOREIGN: &[&str] = &[
    "oauth",
    "presigned",
    "pre-signed",
    "signed url",
    "otp",
    "invitation",
    "third-party",
    "external",
    "reset",
    "verification",
    "magic link",
    "csrf",
    "integration",
    "webhook",
];

const ENCRYPTION: &[(&str, &str)] = &[
    ("aes-256", "aes-256"),
    ("aes 256", "aes-256"),
    ("aes256", "aes-256"),
    ("aes-128", "aes-128"),
    ("chacha20", "chacha20"),
    ("tde", "transparent"),
    ("transparent data encryption", "transparent"),
    ("kms", "kms"),
];

/// Settings of the security chapter.
pub(in crate::lexicon) static SECURITY: &[Entry] = &[
    Entry::new(
        "security.password.algorithm",
        Security,
        Form::Word(&[("bcrypt", "bcrypt"), ("argon2", "argon2id")]),
        &[
            "password hashing",
            "password hash",
            "password hashing algorithm",
            "passwords",
            "password storage",
            "hashing",
            "hashing algorithm",
            "password encryption",
            "password",
            "password security",
            "hash algorithm",
            "password protection",
        ],
    )
    .default("bcrypt")
    .enforced("identity"),
    Entry::new(
        "security.password.cost",
        Security,
        Form::CountNear(&["cost", "rounds", "round", "factor", "salt", "work", "bcrypt"]),
        &[
            "password hashing",
            "password hash",
            "password hashing algorithm",
            "passwords",
            "password storage",
            "hashing",
            "hashing algorithm",
            "password encryption",
            "password",
            "password security",
            "hash algorithm",
            "password protection",
        ],
    )
    .default("12")
    .enforced("identity"),
    Entry::new(
        "security.password.cost",
        Security,
        Form::Count,
        &[
            "bcrypt cost",
            "bcrypt rounds",
            "bcrypt cost factor",
            "bcrypt salt rounds",
            "salt rounds",
            "hash rounds",
            "bcrypt work factor",
        ],
    )
    .default("12")
    .enforced("identity"),
    Entry::new(
        "security.password.length_min",
        Security,
        Form::Count,
        &[
            "password min length",
            "min password length",
            "password length",
            "min length",
            "password length min",
        ],
    )
    .under(&["password", "auth", "security"])
    .default("8 characters")
    .enforced("identity"),
    Entry::new(
        "security.password.length_min",
        Security,
        Form::CountNear(&["character", "characters", "chars"]),
        &["password policy", "password requirements", "password", "passwords", "password strength"],
    )
    .default("8 characters")
    .enforced("identity"),
    Entry::new(
        "security.token.algorithm",
        Security,
        Form::Word(&[("rs256", "RS256"), ("hs256", "HS256")]),
        &[
            "token type",
            "token algorithm",
            "jwt algorithm",
            "signing algorithm",
            "jwt",
            "token",
            "tokens",
            "jwt tokens",
            "jwt signing",
            "token signing",
            "algorithm",
            "authentication",
            "authentication method",
            "jwt token",
            "access token",
            "token format",
            "authentication mechanism",
        ],
    )
    .under(TOKENS)
    .default("RS256")
    .enforced("identity"),
    Entry::new(
        "security.token.access_seconds",
        Security,
        Form::Seconds,
        &[
            "token expiry",
            "access token",
            "access token expiry",
            "jwt expiry",
            "jwt token expiry",
            "access token ttl",
            "token ttl",
            "jwt ttl",
            "jwt access token",
            "access tokens",
            "auth.access token ttl",
            "token validity",
            "bearer token expiry",
            "access",
            "jwt token ttl",
            "auth token expiry",
            "access token validity",
            "jwt access token expiry",
            "jwt validity",
        ],
    )
    .under(TOKENS)
    .not_under(FOREIGN)
    .default("1 hour")
    .enforced("identity"),
    Entry::new(
        "security.token.access_seconds",
        Security,
        Form::SecondsNear(&[
            "access",
            "expiry",
            "expiration",
            "expire",
            "expires",
            "lifetime",
            "tokens",
        ]),
        &[
            "jwt",
            "tokens",
            "jwt tokens",
            "jwt token",
            "jwt bearer",
            "authentication",
            "token",
            "authentication method",
        ],
    )
    .under(TOKENS)
    .not_under(FOREIGN)
    .default("1 hour")
    .enforced("identity"),
    Entry::new(
        "security.token.refresh_seconds",
        Security,
        Form::Seconds,
        &[
            "refresh token",
            "refresh token expiry",
            "refresh tokens",
            "refresh token ttl",
            "refresh expiry",
            "jwt refresh expiry",
            "jwt refresh token",
            "refresh token validity",
            "refresh ttl",
            "jwt refresh token expiry",
            "refresh",
        ],
    )
    .under(TOKENS)
    .not_under(FOREIGN)
    .default("7 days")
    .enforced("identity"),
    Entry::new(
        "security.token.refresh_seconds",
        Security,
        Form::SecondsNear(&["refresh"]),
        &[
            "token expiry",
            "jwt",
            "tokens",
            "jwt tokens",
            "jwt expiry",
            "jwt token",
            "authentication",
            "token",
        ],
    )
    .under(TOKENS)
    .not_under(FOREIGN)
    .default("7 days")
    .enforced("identity"),
    Entry::new(
        "security.session.seconds",
        Security,
        Form::Seconds,
        &[
            "session expiry",
            "session timeout",
            "session duration",
            "session length",
            "session ttl",
            "session",
            "sessions",
            "idle timeout",
            "session max age",
            "inactivity timeout",
        ],
    )
    .under(TOKENS),
    Entry::new(
        "security.lockout.attempts_max",
        Security,
        Form::CountNear(&["attempt", "attempts", "failed", "failures", "tries", "logins", "times"]),
        &[
            "account lockout",
            "lockout",
            "lockout policy",
            "brute force protection",
            "failed login attempts",
            "account locking",
            "login lockout",
            "account lock",
        ],
    )
    .enforced("identity"),
    Entry::new(
        "security.lockout.attempts_max",
        Security,
        Form::Count,
        &[
            "max login attempts",
            "login attempts max",
            "failed login attempts",
            "max failed attempts",
            "max failed logins",
            "lockout attempts",
            "lockout threshold",
            "login attempts",
        ],
    )
    .under(TOKENS)
    .enforced("identity"),
    Entry::new(
        "security.lockout.seconds",
        Security,
        Form::Seconds,
        &[
            "account lockout",
            "lockout",
            "lockout policy",
            "lockout duration",
            "lockout time",
            "lockout period",
            "brute force protection",
            "failed login attempts",
            "account locking",
            "login lockout",
            "account lock",
        ],
    )
    .default("15 minutes")
    .enforced("identity"),
    Entry::new(
        "security.cors.origins",
        Security,
        Form::Text,
        &[
            "cors",
            "cors origins",
            "allowed origins",
            "cors allowed origins",
            "cors policy",
            "cors configuration",
            "cors origin",
            "cross origin",
            "origins",
        ],
    )
    .under(&["security", "cors", "api", "auth", "header", "middleware", "network", "http"])
    .enforced("the HTTP server"),
    Entry::new(
        "security.cors.credentials",
        Security,
        Form::Boolean,
        &["cors credentials", "allow credentials", "credentials allowed", "cors allow credentials"],
    )
    .enforced("the HTTP server"),
    Entry::new(
        "security.encryption.at_rest",
        Security,
        Form::Word(ENCRYPTION),
        &[
            "encryption at rest",
            "database encryption",
            "at rest",
            "data at rest",
            "file storage encryption",
            "disk encryption",
            "storage encryption",
            "data encryption",
            "encryption",
            "backup encryption",
            "field level encryption",
        ],
    )
    .under(&["security", "encryption", "protection", "data", "compliance", "storage"])
    .elsewhere(),
    Entry::new(
        "security.encryption.in_transit",
        Security,
        Form::Word(&[
            ("tls 1.3", "tls-1.3"),
            ("tls1.3", "tls-1.3"),
            ("tls 1.2", "tls-1.2"),
            ("tls1.2", "tls-1.2"),
            ("tls", "tls"),
            ("https", "tls"),
        ]),
        &[
            "encryption in transit",
            "tls version",
            "in transit",
            "data in transit",
            "tls",
            "transport",
            "transport security",
            "transport encryption",
            "https",
            "ssl/tls",
            "min tls version",
        ],
    )
    .under(&["security", "encryption", "protection", "network", "transit", "data"])
    .elsewhere(),
    Entry::new(
        "security.hsts_seconds",
        Security,
        Form::Seconds,
        &["hsts", "hsts max age", "strict transport security"],
    ),
    Entry::new(
        "security.audit.retention_seconds",
        Security,
        Form::Seconds,
        &[
            "audit log retention",
            "audit retention",
            "audit logs",
            "audit log",
            "audit logging",
            "audit trail retention",
        ],
    ),
    Entry::new(
        "security.key_rotation_seconds",
        Security,
        Form::Seconds,
        &[
            "key rotation",
            "api key rotation",
            "secret rotation",
            "secrets rotation",
            "credential rotation",
            "certificate rotation",
            "password rotation",
        ],
    ),
    Entry::new(
        "security.otp.expiry_seconds",
        Security,
        Form::Seconds,
        &[
            "otp expiry",
            "otp ttl",
            "otp validity",
            "verification code expiry",
            "password reset token expiry",
            "reset token expiry",
            "email verification token expiry",
        ],
    ),
];
