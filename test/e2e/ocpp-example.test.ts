import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { suite, test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { enterStation } from '../support/station.ts';
import { startProgram } from '../support/program.ts';
import { exampleRoutes } from '../support/routes-file.ts';

const CENTRAL_SYSTEM = fileURLToPath(new URL('../../examples/ocpp/central-system.mjs', import.meta.url));

suite('examples/ocpp', () => {
  for (const protocol of ['ocpp1.6', 'ocpp2.0.1']) {
    test(`a station of ${protocol} boots, beats, is called and leaves`, async (t) => {
      const backend = await startProgram(t, { command: process.execPath, argv: [CENTRAL_SYSTEM], url: /^central system: (http:\S+)/ });
      const routes = await exampleRoutes(t, 'ocpp', backend.url);
      const gateway = await startGateway(t, { ROUTES_FILE: routes.path });
      const station = await enterStation(t, { endpoint: `${gateway.wsUrl}/ocpp`, identity: 'CP-1', protocols: [protocol] });
      await backend.lines.first((line) => line === `CP-1: connects by ${protocol}`);

      station.handle('TriggerMessage', ({ params }) => {
        assert.deepEqual(params, { requestedMessage: 'StatusNotification' });
        return { status: 'Accepted' };
      });
      const boot = await station.call('BootNotification', { model: 'M' });
      assert.deepEqual([boot['status'], boot['interval']], ['Accepted', 300]);
      await backend.lines.first((line) => line === 'CP-1: boots {"model":"M"}');
      await backend.lines.first((line) => line === 'CP-1: TriggerMessage was answered 200 {"status":"Accepted"}');
      assert.ok(Date.parse(String((await station.call('Heartbeat', {}))['currentTime'])) > 0);
      await assert.rejects(station.call('Authorize', { idTag: 'x' }), { message: 'no Authorize here', rpcErrorCode: 'NotImplemented' });

      await station.close();
      await backend.lines.first((line) => line === 'CP-1: left');
    });
  }
});
