// Asks each application whether it can serve, and which release answered.
for (const item of document.querySelectorAll('[data-health]')) {
  const state = item.querySelector('.state');
  fetch(item.dataset.health)
    .then((answer) => {
      const release = answer.headers.get('x-release') ?? '';
      state.textContent = answer.ok ? `${release} answers` : `answers ${answer.status}`;
    })
    .catch(() => {
      state.textContent = 'does not answer';
    });
}
