// After everything was erased: a service worker of the kit whose files are gone would go on, with nothing to give offline
// and no reason to fetch it again, until the next build. So it is unregistered, and the site's next page registers it anew
// and whole. Called by Engine.eraseAll, in the page, because workers cannot. A script of the site's own that imports the
// kit's is the site's affair. What goes wrong: a browser that refuses leaves it as it is; it costs offline use alone.

import { kitBaseUrl } from './locations.js';

export async function forgetServiceWorkers(base = kitBaseUrl()): Promise<void> {
  const { serviceWorker } = navigator as { readonly serviceWorker?: ServiceWorkerContainer };
  try {
    for (const registration of (await serviceWorker?.getRegistrations()) ?? []) {
      const script = registration.active ?? registration.waiting ?? registration.installing;
      if (script?.scriptURL.startsWith(base)) await registration.unregister();
    }
  } catch (error) {
    void error; // what was kept is erased all the same
  }
}
