//! Columns that are accepted and never shown: password hashes and other secrets.

/// True where a column of this name holds a secret. `content_hash`, `ip_hash` and the like are
/// none.
pub(crate) fn is_secret(name: &str) -> bool {
    const EXACT: &[&str] = &[
        "password",
        "passwd",
        "pwd",
        "pass_hash",
        "password_hash",
        "hashed_password",
        "password_digest",
        "encrypted_password",
        "password_salt",
        "salt",
        "secret",
        "secret_hash",
        "totp_secret",
        "mfa_secret",
        "otp_secret",
        "two_factor_secret",
        "pin_hash",
        "pin_code_hash",
        "token_hash",
        "refresh_token",
        "access_token",
        "reset_token",
        "api_secret",
        "private_key",
        "secret_key",
        "api_key_hash",
        "key_hash",
        "otp_hash",
        "code_hash",
        "passwort",
        "passwort_hash",
        "kennwort",
        "kennwort_hash",
        "contrasena",
        "contraseña",
        "contrasena_hash",
        "contraseña_hash",
        "mot_de_passe",
        "mot_de_passe_hash",
        "senha",
        "senha_hash",
        "recovery_codes",
        "backup_codes",
    ];
    const ENDINGS: &[&str] = &[
        "_password",
        "_password_hash",
        "_secret",
        "_secret_key",
        "_private_key",
        "_token_hash",
        "_refresh_token",
        "_access_token",
        "_reset_token",
        "_api_key_hash",
        "_password_salt",
        "_secret_hash",
        "_secret_encrypted",
        "_token_encrypted",
        "_password_encrypted",
        "_pin_hash",
    ];
    EXACT.contains(&name) || ENDINGS.iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::is_secret;

    #[test]
    fn hashes_of_passwords_and_tokens_are_secret_and_of_content_are_not() {
        for name in ["password", "password_hash", "totp_secret", "token_hash", "passwort_hash"] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["content_hash", "file_hash", "ip_hash", "transaction_hash", "secretary"] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
