//! The use cases of who is asking: sign in by each source, sign out, and whose session a token is.
//! The ledger is never called on the caller's thread, and nothing it did is forgotten if the caller
//! goes away.

use crate::{
    identity::Identity,
    issuing::IssuingKey,
    outcome::{
        CallError, ExchangeError, LoginError, OpenError, PasswordChangeError, RegisterError,
        SignedIn, VouchError, Vouched,
    },
    password::{Password, PasswordHasher},
    password_pool::{Busy, PasswordPool},
    settings::DoorSettings,
    standings::Standings,
    token::{Bearer, SessionError, Tokens},
};
use ledger::{LedgerFault, NameTaken, NewPerson, PeopleLedger, Person, Source};
use parking_lot::Mutex;
use rules::{TimeMs, UserNo, person_name};
use std::{collections::HashMap, collections::HashSet, sync::Arc};
use tokio::{sync::Semaphore, task::spawn_blocking};
use zeroize::Zeroizing;

/// Names in one `vouch`.
pub const VOUCH_NAMES_MAX: usize = 10_000;

/// Whose request it is. Only `Door::session` makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// The user.
    pub user: UserNo,
    /// Whether they are an operator.
    pub operator: bool,
    /// The first moment at which the session is over.
    pub expires: TimeMs,
    bearer: Bearer,
}

/// Who is asking.
pub struct Door {
    inside: Arc<Inside>,
    pub(crate) passwords: PasswordPool,
    pub(crate) issuing: IssuingKey,
    calls: Arc<Semaphore>,
    registration_open: bool,
}

/// What the threads share that call the ledger. They finish what they began even if the request is
/// gone,
/// so that a session ended on disk has always ended in memory too.
pub(crate) struct Inside {
    pub(crate) people: Arc<dyn PeopleLedger>,
    tokens: Tokens,
    standings: Standings,
    identity: Option<Identity>,
    token_life_s: u32,
    // Ending sessions and changing passwords come one after the other: a change decided on a
    // session's
    // standing must not be written after that session has ended.
    endings: Mutex<()>,
}

impl Door {
    /// Opens the door: blocks while it reads the ledger, hashes once and starts its threads.
    /// `token_secret` must stay the same over restarts, or every session ends.
    pub fn new(
        people: Arc<dyn PeopleLedger>,
        token_secret: [u8; 32],
        settings: &DoorSettings,
        now: TimeMs,
    ) -> Result<Self, OpenError> {
        settings.validate().map_err(OpenError::Settings)?;
        let standings = Standings::default();
        standings.load(&*people, now)?;
        let hasher = PasswordHasher::new(&settings.password).map_err(OpenError::Hash)?;
        let passwords = PasswordPool::start(hasher, &settings.password);
        let inside = Inside {
            people,
            tokens: Tokens::new(token_secret),
            standings,
            identity: settings.identity.as_ref().map(Identity::new),
            token_life_s: settings.token_life_s,
            endings: Mutex::default(),
        };
        Ok(Self {
            issuing: IssuingKey::of(&token_secret),
            inside: Arc::new(inside),
            passwords: passwords.map_err(|_| OpenError::Threads)?,
            calls: Arc::new(Semaphore::new(settings.calls_max as usize)),
            registration_open: settings.registration_open,
        })
    }

    /// Whose session a token is. Reads memory only; some hundred nanoseconds.
    pub fn session(&self, token: &[u8], now: TimeMs) -> Result<Session, SessionError> {
        let bearer = self.inside.tokens.check(token, now)?;
        let standing = self.inside.standings.admit(&bearer)?;
        let (user, expires) = (bearer.user, bearer.expires);
        Ok(Session { user, operator: standing.operator, expires, bearer })
    }

    /// Reads roles, generations and ended sessions anew, blocking: after the ledger recovered from
    /// a fault of
    /// unknown effect, and after people were added behind the door's back.
    pub fn reload(&self, now: TimeMs) -> Result<(), LedgerFault> {
        self.inside.standings.load(&*self.inside.people, now)
    }

    /// Whether people may make accounts for themselves.
    pub fn registration_is_on(&self) -> bool {
        self.registration_open
    }

    /// Makes an account with a password.
    pub async fn register(
        &self,
        name: &str,
        password: String,
        now: TimeMs,
    ) -> Result<SignedIn, RegisterError> {
        let password = Password::new(password);
        if !self.registration_open {
            return Err(RegisterError::Off);
        }
        let name = person_name(name)?;
        let hash = self.passwords.hash(password?).await??;
        let register = move |inside: &Inside| match inside.people.register(&name, &hash, now)? {
            Ok(person) => Ok(inside.sign_in(person, now)),
            Err(NameTaken) => Err(RegisterError::NameTaken),
        };
        self.call(register).await?
    }

    /// Lets someone in by password, or not, after the same time whether or not the name exists.
    pub async fn login(
        &self,
        name: &str,
        password: String,
        now: TimeMs,
    ) -> Result<SignedIn, LoginError> {
        let password = Password::new(password);
        // What cannot be a name or a password is nobody's, and anybody can see that.
        let (Ok(name), Ok(password)) = (person_name(name), password) else {
            return Err(LoginError::WrongCredentials);
        };
        let found = self.call(move |inside| inside.people.person_by_name(&name)).await??;
        let (person, hash) = found.map_or((None, None), |(person, hash)| (Some(person), hash));
        let good = self.passwords.verify(password, hash).await??;
        match person {
            // The generation was read with the hash: if the password has changed since, the token
            // is void.
            Some(person) if good => Ok(self.inside.sign_in(person, now)),
            Some(_) | None => Err(LoginError::WrongCredentials),
        }
    }

    /// Lets someone in whom the company's identity provider names; the account is made if there is
    /// none.
    pub async fn exchange(&self, jwt: String, now: TimeMs) -> Result<SignedIn, ExchangeError> {
        if self.inside.identity.is_none() {
            return Err(ExchangeError::NoIdentityProvider);
        }
        let jwt = Zeroizing::new(jwt);
        self.call(move |inside| inside.exchange(&jwt, now)).await?
    }

    /// Sessions for people a shop's backend vouches for; accounts are made where there are none.
    /// One answer for each spelling asked, in order.
    pub async fn vouch(&self, names: Vec<String>, now: TimeMs) -> Result<Vec<Vouched>, VouchError> {
        if names.len() > VOUCH_NAMES_MAX {
            return Err(VouchError::TooMany(names.len()));
        }
        self.call(move |inside| inside.vouch(names, now)).await?
    }

    /// Changes the password, ends all sessions and returns a new one for the caller.
    pub async fn change_password(
        &self,
        session: &Session,
        old: String,
        new: String,
        now: TimeMs,
    ) -> Result<SignedIn, PasswordChangeError> {
        let (old, new) = (Password::new(old), Password::new(new));
        let new = new.map_err(PasswordChangeError::BadPassword)?;
        let old = old.map_err(|_| PasswordChangeError::WrongCredentials)?;
        let bearer = session.bearer;
        let found = self.call(move |inside| inside.person_with_hash(bearer.user)).await??;
        let (person, hash) = found.ok_or(PasswordChangeError::SessionEnded)?;
        if !self.passwords.verify(old, hash).await?? {
            return Err(PasswordChangeError::WrongCredentials);
        }
        let hash = self.passwords.hash(new).await??;
        self.call(move |inside| inside.set_password(&bearer, person, &hash, now)).await?
    }

    /// Ends this session, or all of this user's. Repeating it succeeds.
    pub async fn logout(
        &self,
        session: &Session,
        everywhere: bool,
        now: TimeMs,
    ) -> Result<(), CallError> {
        let bearer = session.bearer;
        self.call(move |inside| inside.end(&bearer, everywhere, now)).await??;
        Ok(())
    }

    /// Adds accounts for the command line, all or nothing; `Err(place)`: that name has an account already.
    pub async fn add_people(
        &self,
        people: Vec<NewPerson>,
        now: TimeMs,
    ) -> Result<Result<Vec<UserNo>, usize>, CallError> {
        let add = move |inside: &Inside| {
            let added = inside.people.add_people(&people, now)?;
            if added.is_ok() {
                inside.standings.load(&*inside.people, now)?;
            }
            Ok::<_, LedgerFault>(added)
        };
        Ok(self.call(add).await??)
    }

    /// The account with this number.
    pub async fn person(&self, user: UserNo) -> Result<Option<Person>, CallError> {
        Ok(self.call(move |inside| inside.people.person(user)).await??)
    }

    /// Runs blocking work where it holds nobody up; with too much of it under way, `Busy` at once.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inside) -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let permit = Arc::clone(&self.calls).try_acquire_owned().map_err(|_| Busy)?;
        let inside = Arc::clone(&self.inside);
        let done = spawn_blocking(move || {
            let _permit = permit;
            work(&inside)
        });
        match done.await {
            Ok(done) => Ok(done),
            Err(stopped) => match stopped.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is shutting down and the work never began.
                Err(_) => Err(Busy),
            },
        }
    }
}

impl Inside {
    fn sign_in(&self, person: Person, now: TimeMs) -> SignedIn {
        // The ledger was just read: whatever memory had missed, it knows before the token is out.
        self.standings.raise(person.no, person.role, person.generation);
        let (token, bearer) =
            self.tokens.mint(person.no, person.generation, now, self.token_life_s);
        SignedIn { token, expires: bearer.expires, person }
    }

    fn exchange(&self, jwt: &str, now: TimeMs) -> Result<SignedIn, ExchangeError> {
        let identity = self.identity.as_ref().ok_or(ExchangeError::NoIdentityProvider)?;
        let name = identity.verify(jwt, now)?;
        match self.people.adopt(&[name], Source::Issuer, now)?.pop() {
            Some(Ok(person)) => Ok(self.sign_in(person, now)),
            Some(Err(NameTaken)) => Err(ExchangeError::NameTaken),
            None => unreachable!("adopt answers for each name"),
        }
    }

    fn vouch(&self, asked: Vec<String>, now: TimeMs) -> Result<Vec<Vouched>, VouchError> {
        // Two spellings may be one name, which the ledger is asked for once.
        let (mut names, mut place_of) = (Vec::new(), HashMap::new());
        let (mut places, mut spellings) = (Vec::new(), HashSet::new());
        for (place, text) in asked.iter().enumerate() {
            let name = person_name(text).map_err(|error| VouchError::BadName(place, error))?;
            if spellings.insert(text.as_str()) {
                let new = names.len();
                let at = *place_of.entry(name.clone()).or_insert(new);
                if at == new {
                    names.push(name);
                }
                places.push((text.clone(), at));
            }
        }
        let people = self.people.adopt(&names, Source::Vouching, now)?;
        assert_eq!(people.len(), names.len(), "adopt answers for each name");
        let answer = |(asked, at): (String, usize)| {
            let outcome = people[at].clone().map(|person| self.sign_in(person, now));
            Vouched { asked, outcome }
        };
        Ok(places.into_iter().map(answer).collect())
    }

    fn person_with_hash(
        &self,
        user: UserNo,
    ) -> Result<Option<(Person, Option<String>)>, LedgerFault> {
        match self.people.person(user)? {
            Some(person) => self.people.person_by_name(&person.name),
            None => Ok(None),
        }
    }

    fn set_password(
        &self,
        bearer: &Bearer,
        person: Person,
        hash: &str,
        now: TimeMs,
    ) -> Result<SignedIn, PasswordChangeError> {
        let _order = self.endings.lock();
        if self.standings.admit(bearer).is_err() {
            return Err(PasswordChangeError::SessionEnded);
        }
        let generation = self.people.set_password(bearer.user, hash)?;
        self.standings.raise_generation(bearer.user, generation);
        Ok(self.sign_in(Person { generation, ..person }, now))
    }

    fn end(&self, bearer: &Bearer, everywhere: bool, now: TimeMs) -> Result<(), LedgerFault> {
        let _order = self.endings.lock();
        if self.standings.admit(bearer).is_err() {
            return Ok(());
        }
        if everywhere || self.standings.is_full(bearer.user, now) {
            let generation = self.people.end_sessions(bearer.user)?;
            self.standings.raise_generation(bearer.user, generation);
        } else {
            self.people.revoke(bearer.user, bearer.mark.0, bearer.expires)?;
            self.standings.revoke(bearer, now);
        }
        Ok(())
    }
}
