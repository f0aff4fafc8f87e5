import { createNoLedger } from '../../src/ledgers/none.ts';
import { ledgerContract } from '../contracts/ledger.ts';

ledgerContract({ name: 'none', level: 'none', create: () => Promise.resolve(createNoLedger()), house: null });
