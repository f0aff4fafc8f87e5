import { ledgerOn } from '../ledger-on.ts';

ledgerOn('nats');
