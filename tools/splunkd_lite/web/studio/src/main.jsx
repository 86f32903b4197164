// Renders one Dashboard Studio definition with Splunk's own packages. Its searches run as the
// signed-in user through /splunkd/__raw: the data sources are those of Splunk Enterprise.
import { createRoot } from 'react-dom/client';
import { DashboardContextProvider } from '@splunk/dashboard-context';
import { DashboardCore } from '@splunk/dashboard-core';
import { createSchemaBasedOnPresets } from '@splunk/dashboard-definition';
import preset from '@splunk/dashboard-presets/EnterpriseViewOnlyPreset';
import { migrateToTabsLayout } from '@splunk/dashboard-utils';
import { SplunkThemeProvider } from '@splunk/themes';

const { theme, tokens, ...written } = JSON.parse(document.getElementById('dashboard').textContent);
// A layout without tabs is what every Splunk since 9.0 takes; these packages, which want tabs, have
// this function for it.
const { definition } = migrateToTabsLayout({ definition: written.definition });

function showProblem(error) {
    const box = document.createElement('p');
    box.className = 'message error';
    box.setAttribute('role', 'alert');
    box.textContent = `The definition of this dashboard is not valid: ${error?.message ?? error}`;
    document.getElementById('problems').append(box);
}

// Keep the address in step with the inputs, as Splunk Web does, so that a view can be linked to.
function rememberTokens(binding) {
    const url = new URL(window.location.href);
    Object.entries(binding?.default ?? {}).forEach(([name, value]) => {
        if (typeof value === 'string' && value !== '') {
            url.searchParams.set(`form.${name}`, value);
        }
    });
    window.history.replaceState(null, '', url);
}

// For tests: the JSON Schema that these packages make for a definition, and the definition shown.
window.dashboardSchema = () => createSchemaBasedOnPresets(preset);
window.dashboardDefinition = definition;

createRoot(document.getElementById('root')).render(
    <SplunkThemeProvider family="enterprise" colorScheme={theme} density="comfortable">
        <DashboardContextProvider
            preset={preset}
            initialDefinition={definition}
            initialTokenBinding={{ default: tokens }}
            onTokenBindingChange={rememberTokens}
        >
            <DashboardCore width="100%" height="auto" onValidationError={showProblem} />
        </DashboardContextProvider>
    </SplunkThemeProvider>
);
