//! The door knows who is asking: session tokens, passwords, the company's identity provider.
//! No secret, token or password ever leaves it through an error, a log line or `Debug`.

mod buckets;
mod door;
mod identity;
mod issuing;
mod jwks;
mod limits;
mod outcome;
mod password;
mod password_pool;
mod prefixes;
mod settings;
mod standings;
mod token;

pub use buckets::{Buckets, Empty, Rate};
pub use door::{Door, Session, VOUCH_NAMES_MAX};
pub use identity::{
    Identity, IdentityError, IdentityKeys, IdentitySettings, JWT_BYTES_MAX, LEEWAY_S,
    SECRET_BYTES_MIN,
};
pub use issuing::{ISSUED_MAX, Issued, Listed};
pub use jwks::{JWKS_BYTES_MAX, JWKS_KEYS_MAX, Jwks, JwksError, KeyFault, UnusableKey};
pub use limits::{LimitSettings, Limits};
pub use outcome::{
    CallError, ExchangeError, IssueError, LoginError, OpenError, PasswordChangeError,
    RegisterError, SignedIn, VouchError, Vouched,
};
pub use password::{
    HashFault, PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN, Password, PasswordError, PasswordHasher,
    hash_all, hash_password,
};
pub use password_pool::{Busy, PasswordPool};
pub use settings::{DoorSettings, PasswordSettings, SettingFault};
pub use standings::{REVOKED_PER_USER_MAX, Standing, Standings};
pub use token::{Bearer, Mark, SessionError, TOKEN_BYTES, Token, Tokens};
