import { createNoLedger } from '../../../src/engines/local/no-ledger.ts';
import { ledgerContract } from '../../contracts/ledger.ts';

ledgerContract({ name: 'none', level: 'none', create: () => Promise.resolve(createNoLedger()), house: null });
