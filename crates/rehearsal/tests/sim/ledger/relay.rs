//! Nobody outside hears of a simulated sale: facts get no numbers, and there are no endpoints.
//! The suite's tests of facts on their way out leave this ledger out.

use super::SimLedger;
use ledger::{
    Cursor, Delivery, Endpoint, EndpointNo, LedgerFault, NewEndpoint, OutNo, OutRow, RelayLedger,
};
use rules::{ActivityNo, Claim, Epoch, Seq, TimeMs};

impl RelayLedger for SimLedger {
    fn number_facts(&self, _: Epoch, _: ActivityNo, _: u32) -> Result<OutNo, LedgerFault> {
        Ok(OutNo(0))
    }

    fn unnumbered(&self) -> Result<Vec<ActivityNo>, LedgerFault> {
        Ok(Vec::new())
    }

    fn facts(&self, _: ActivityNo, _: OutNo, _: u32) -> Result<Vec<OutRow>, LedgerFault> {
        Ok(Vec::new())
    }

    fn last_fact(&self, _: ActivityNo) -> Result<OutNo, LedgerFault> {
        Ok(OutNo(0))
    }

    fn add_endpoint(
        &self,
        _: Epoch,
        _: &NewEndpoint,
        _: TimeMs,
    ) -> Result<Option<EndpointNo>, LedgerFault> {
        unreachable!("a simulated sale has no endpoints")
    }

    fn endpoints(&self) -> Result<Vec<Endpoint>, LedgerFault> {
        Ok(Vec::new())
    }

    fn remove_endpoint(&self, _: Epoch, _: EndpointNo) -> Result<bool, LedgerFault> {
        Ok(false)
    }

    fn rotate_secret(
        &self,
        _: Epoch,
        _: EndpointNo,
        _: &[u8],
        _: TimeMs,
    ) -> Result<bool, LedgerFault> {
        Ok(false)
    }

    fn park_endpoint(&self, _: Epoch, _: EndpointNo, _: bool) -> Result<bool, LedgerFault> {
        Ok(false)
    }

    fn cursors(&self, _: EndpointNo) -> Result<Vec<Cursor>, LedgerFault> {
        Ok(Vec::new())
    }

    fn record_deliveries(&self, _: Epoch, _: &[Cursor], _: &[Delivery]) -> Result<(), LedgerFault> {
        unreachable!("a simulated sale has no endpoints")
    }

    fn deliveries(&self, _: EndpointNo, _: u32) -> Result<Vec<Delivery>, LedgerFault> {
        Ok(Vec::new())
    }

    fn lines(&self, activity: ActivityNo, order: Seq) -> Result<Vec<Claim>, LedgerFault> {
        let claims = self.read()?.claims_of(activity);
        let ours = claims.values().filter(|line| line.order().seq == order);
        Ok(ours.copied().collect())
    }
}
