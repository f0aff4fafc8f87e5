/** Everything that a page can send at a URL without help. Runs in a page of page-of-another-site.test.ts. */
globalThis.attempt = async function attempt({ gateway, id }) {
  const got = {};
  const tries = {};
  const fetched = async (path, init) => {
    const answer = await fetch(gateway + path, init);
    return `${answer.type} ${answer.status} ${await answer.text()}`;
  };
  for (const [method, path] of [
    ['PUT', `/${id}`],
    ['GET', `/${id}`],
    ['POST', '/send?all=true'],
    ['POST', '/settags?all=true'],
    ['GET', '/status'],
    ['GET', '/metrics'],
    ['GET', '/tree'],
    ['GET', '/'],
    ['POST', '/close?all=true'],
    ['DELETE', `/${id}`],
  ]) {
    const body = method === 'GET' || method === 'DELETE' ? {} : { body: 'owned=1' };
    tries[`${method} ${path}`] = () => fetched(path, { method, ...body });
    tries[`simple ${method} ${path}`] = () => fetched(path, { method, ...body, mode: 'no-cors' });
    tries[`with credentials ${method} ${path}`] = () =>
      fetched(path, { method, ...body, credentials: 'include', headers: { authorization: 'Bearer x' } });
  }
  tries['beacon'] = async () => String(navigator.sendBeacon(`${gateway}/send?all=true`, 'owned'));
  for (const [name, tag, attribute] of [
    ['image', 'img', 'src'],
    ['script', 'script', 'src'],
    ['frame', 'iframe', 'src'],
    ['style', 'link', 'href'],
  ])
    tries[name] = () =>
      new Promise((resolve) => {
        const element = document.createElement(tag);
        if (tag === 'link') element.setAttribute('rel', 'stylesheet');
        element.addEventListener('error', () => resolve('error'));
        element.addEventListener('load', () => {
          try {
            resolve(`loaded ${element.contentDocument?.body.innerText ?? 'nothing to read'}`);
          } catch {
            resolve('loaded, not readable');
          }
        });
        element.setAttribute(attribute, `${gateway}/status?${name}`);
        document.body.append(element);
      });
  for (const enctype of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'])
    for (const path of ['/send?all=true', '/close?all=true', `/${id}`])
      tries[`form ${enctype} ${path}`] = () =>
        new Promise((resolve) => {
          const name = `frame-${Math.random()}`;
          const frame = Object.assign(document.createElement('iframe'), { name });
          const form = Object.assign(document.createElement('form'), { method: 'POST', action: gateway + path, target: name, enctype });
          form.append(Object.assign(document.createElement('input'), { name: 'owned', value: '1' }));
          document.body.append(frame, form);
          frame.addEventListener('load', () => resolve('submitted'));
          form.submit();
          setTimeout(resolve, 1_000, 'submitted, no answer seen');
        });
  for (const [name, run] of Object.entries(tries)) got[name] = await run().then(String, (error) => `failed: ${String(error)}`);
  return got;
};
